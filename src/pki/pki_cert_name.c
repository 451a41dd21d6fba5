/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/pki_impl.h"

#define ANY_HEX "00000000000000000000000000000000" /* as long as each pseudonym and serial */

pki_names_t pki_spec_names(const pki_cert_spec_t *spec, char hex[2 * PKI_SERIAL_LEN + 1])
{
    pki_names_t names = spec->names;
    base_hex_encode(hex, spec->serial, PKI_SERIAL_LEN);
    names.serial_hex = hex;
    return names;
}

int pki_subject_value(const pki_attribute_t **attribute, char out[PKI_VALUE_MAX + 1],
                      const char *rdn, const pki_names_t *names)
{
    const char *template = NULL;
    *attribute = pki_attribute_find(rdn, &template);
    return *attribute && pki_template_write(out, template, names) &&
           pki_attribute_takes(*attribute, out);
}

int pki_san_value(const pki_san_t **kind, char out[PKI_VALUE_MAX + 1], const char *san,
                  const pki_names_t *names)
{
    const char *template = NULL;
    *kind = pki_san_find(san, &template);
    return *kind && pki_template_write(out, template, names) && (*kind)->is_sound(out);
}

int pki_cert_can_name(const pki_profile_t *profile, const pki_names_t *names)
{
    const pki_attribute_t *attribute;
    char value[PKI_VALUE_MAX + 1];
    pki_names_t known = *names;
    known.pseudonym = ANY_HEX;
    known.serial_hex = ANY_HEX;
    for (int i = 0; i < PKI_PROFILE_RDNS && profile->subject[i][0]; i++)
        if (!pki_subject_value(&attribute, value, profile->subject[i], &known))
            return 0;
    return 1;
}
