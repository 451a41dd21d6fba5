#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The answer's JSON at the edges of BootstrappingInfoResponse (TS 29.309 6.1.6): what is valid is taken,
# what is not is a failure of the BSF, 503, whose log line names the member. Nothing of it stays: the same
# UE is served from the next answer, which is asked for anew.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Test::More;
use GBA::BSF;
use GBA::BSF::Scene qw(outcome);

my $bsf   = GBA::BSF->start;
my $scene = GBA::BSF::Scene->start(bsf => $bsf, section => "GBABsfTimeout 2s 6s\n");

my $key = '"meKeyMaterial":"%KEY%"';
my $ids = '"ueIds":[{"ueId":"a"}]';
sub with     { my ($member) = @_; return "{$key,$member}" }
sub with_uss { my ($member) = @_; return with(qq("ussList":[{"uss":{$member}}])) }
sub pieces   { my ($before, $text, $times, $after) = @_; return [$before, [$text, $times], $after] }

# ---- taken ----

for my $row (
    ['white space around it',        " \t\r\n{ $key }\n"],
    ['an escape in a member\'s name', '{"meKeyMateria\u006c":"%KEY%"}'],
    ['an unknown member',            with('"meKeyMaterials":[1,2.5,null,true,{"a":{}}]')],
    # Taken, and then refused by GBAAllowType, which knows no such kind.
    ['an unknown gbaType',           with('"gbaType":"4G_GBA"'), '403 protected', 'GBA0643'],
    ['an unknown keyChoice',         with_uss(qq("gsId":1,"gsType":1,$ids,"keyChoice":"NEW"))],
    ['the limits of Uint32',         with_uss(qq("gsId":4294967295,"gsType":0,$ids,"flags":[{"flag":4294967295}]))],
    ['a time in another zone',       with('"keyExpiryTime":"2099-01-01T02:00:00.5+02:00"')],
    ['a name that is not ASCII',     with("\"impi\":\"\xc3\xa9\@home1.net\"")],
    ['64 KiB to the octet',          pieces("{$key", ' ', 64 * 1024 - 2 - 18 - 64, '}')],
    ['8 settings',                   with('"ussList":[' . join(',', ("{\"uss\":{\"gsId\":1,\"gsType\":1,$ids}}") x 8) . ']')],
) {
    my ($name, $body, $wanted, @tags) = @$row;
    my $ue = $scene->ue([1]);
    $bsf->next({ body => $body });
    $scene->row($name, $scene->ask($ue), wanted => $wanted // '200 protected', tags => \@tags, calls => 1);
    $scene->row("$name: once more", $scene->ask($ue), wanted => $wanted // '200 protected', tags => \@tags, calls => 0);
}

# ---- refused ----

my @refused = (
    # no JSON, or not this
    ['cut short',                    "{$key",                           qr/no JSON/],
    ['something after it',           "{$key} x",                        qr/no JSON/],
    ['two answers',                  "{$key}{$key}",                    qr/no JSON/],
    ['a comment',                    "{$key} // x",                     qr/no JSON/],
    ['a comma too many',             "{$key,}",                         qr/no JSON/],
    ['single quotes',                "{'meKeyMaterial':'%KEY%'}",       qr/no JSON/],
    ['a byte order mark',            "\xef\xbb\xbf{$key}",              qr/no JSON/],
    ['not UTF-8',                    with("\"impi\":\"\xff\""),         qr/no JSON/],
    ['a surrogate',                  with("\"impi\":\"\xed\xa0\x80\""), qr/no JSON/],
    ['a NUL in a text',              with('"impi":"a\u0000b"'),         qr/no JSON|impi/],
    ['a NUL after it',               "{$key}\0",                        qr/no JSON/],
    ['a number too large',           with('"x":1e999'),                 qr/no JSON/],
    ['NaN',                          with('"x":NaN'),                   qr/no JSON/],
    ['an array',                     "[{$key}]",                        qr/object expected/],
    ['null',                         'null',                            qr/no JSON/],
    ['deep nesting',                 pieces('', '[', 60000, ''),        qr/no JSON: nested too deeply/],
    ['deep nesting, well formed',    ["{$key,\"x\":", ['[', 20000], [']', 20000], '}'], qr/no JSON: nested too deeply/],
    ['an octet more than 64 KiB',    pieces("{$key", ' ', 64 * 1024 - 2 - 18 - 64 + 1, '}'), qr/64 KiB|65536|too large/],
    # duplicates (RFC 8259 4: what a receiver makes of them is unpredictable)
    ['the key twice',                with($key),                        qr/meKeyMaterial: there twice/],
    ['two keys',                     with('"meKeyMaterial":"' . '00' x 32 . '"'), qr/meKeyMaterial: there twice/],
    ['two keys, one in disguise',    with('"meKeyMateri\u0061l":"' . '00' x 32 . '"'), qr/meKeyMateri\S*: there twice/],
    ['an unknown member twice',      with('"x":{"y":1,"y":1}'),         qr/y: there twice/],
    ['gsId twice',                   with_uss(qq("gsId":1,"gsType":1,$ids,"gsId":1)), qr/gsId: there twice/],
    # meKeyMaterial
    ['no key',                       '{"impi":"a@b"}',                  qr/meKeyMaterial: missing/],
    ['an empty object',              '{}',                              qr/meKeyMaterial: missing/],
    ['another case',                 '{"MeKeyMaterial":"%KEY%"}',       qr/meKeyMaterial: missing/],
    ['null for the key',             '{"meKeyMaterial":null}',          qr/meKeyMaterial/],
    ['a number for the key',         '{"meKeyMaterial":12}',            qr/meKeyMaterial/],
    ['a short key',                  '{"meKeyMaterial":"' . '5e' x 31 . '"}', qr/meKeyMaterial/],
    ['a long key',                   '{"meKeyMaterial":"%KEY%00"}',     qr/meKeyMaterial/],
    ['half an octet more',           '{"meKeyMaterial":"%KEY%0"}',      qr/meKeyMaterial/],
    ['no hex',                       '{"meKeyMaterial":"' . 'g0' x 32 . '"}', qr/meKeyMaterial/],
    ['a space before it',            '{"meKeyMaterial":" %KEY%"}',      qr/meKeyMaterial/],
    ['uiccKeyMaterial is short',     with('"uiccKeyMaterial":"00"'),    qr/uiccKeyMaterial/],
    # times
    ['keyExpiryTime is a number',    with('"keyExpiryTime":4070908800'), qr/keyExpiryTime/],
    ['keyExpiryTime is null',        with('"keyExpiryTime":null'),      qr/keyExpiryTime/],
    ['keyExpiryTime is a date',      with('"keyExpiryTime":"2099-01-01"'), qr/keyExpiryTime/],
    ['keyExpiryTime without a zone', with('"keyExpiryTime":"2099-01-01T00:00:00"'), qr/keyExpiryTime/],
    ['a 30th of February',           with('"keyExpiryTime":"2099-02-30T00:00:00Z"'), qr/keyExpiryTime/],
    ['the epoch',                    with('"keyExpiryTime":"1970-01-01T00:00:00Z"'), qr/keyExpiryTime/],
    ['bootstrapped "now"',           with('"bootstrappingInfoCreationTime":"now"'), qr/bootstrappingInfoCreationTime/],
    # who
    ['impi is null',                 with('"impi":null'),               qr/impi/],
    ['impi is empty',                with('"impi":""'),                 qr/impi/],
    ['impi is a list',               with('"impi":["a"]'),              qr/impi/],
    ['impi with a line end',         with('"impi":"a\r\nX-3GPP-Asserted-Identity: b"'), qr/impi/],
    ['impi of 256 octets',           pieces("{$key,\"impi\":\"", 'x', 256, '"}'), qr/impi/],
    ['gbaType is a number',          with('"gbaType":3'),               qr/gbaType/],
    # settings
    ['ussList is null',              with('"ussList":null'),            qr/ussList/],
    ['ussList is empty',             with('"ussList":[]'),              qr/ussList/],
    ['ussList is an object',         with('"ussList":{}'),              qr/ussList/],
    ['no uss in it',                 with('"ussList":[{}]'),            qr/ussList\[0\]\.uss/],
    ['uss is a list',                with('"ussList":[{"uss":[]}]'),    qr/ussList\[0\]\.uss/],
    ['9 settings',                   with('"ussList":[' . join(',', ("{\"uss\":{\"gsId\":1,\"gsType\":1,$ids}}") x 9) . ']'), qr/ussList/],
    ['no gsId',                      with_uss(qq("gsType":1,$ids)),     qr/gsId/],
    ['no gsType',                    with_uss(qq("gsId":1,$ids)),       qr/gsType/],
    ['gsId is a text',               with_uss(qq("gsId":"1","gsType":1,$ids)), qr/gsId/],
    ['gsId below 0',                 with_uss(qq("gsId":-1,"gsType":1,$ids)), qr/gsId/],
    ['gsId of 2^32',                 with_uss(qq("gsId":4294967296,"gsType":1,$ids)), qr/gsId/],
    ['gsId is 1.0',                  with_uss(qq("gsId":1.0,"gsType":1,$ids)), qr/gsId/],
    ['no ueIds',                     with_uss('"gsId":1,"gsType":1'),   qr/ueIds/],
    ['ueIds is empty',               with_uss('"gsId":1,"gsType":1,"ueIds":[]'), qr/ueIds/],
    ['an empty ueId',                with_uss('"gsId":1,"gsType":1,"ueIds":[{"ueId":""}]'), qr/ueIds\[0\]\.ueId/],
    ['a second ueId that is none',   with_uss('"gsId":1,"gsType":1,"ueIds":[{"ueId":"a"},"b"]'), qr/ueIds\[1\]\.ueId/],
    ['flags is empty',               with_uss(qq("gsId":1,"gsType":1,$ids,"flags":[])), qr/flags/],
    ['a flag that is a text',        with_uss(qq("gsId":1,"gsType":1,$ids,"flags":[{"flag":1},{"flag":"2"}])), qr/flags\[1\]\.flag/],
    ['a flag without its object',    with_uss(qq("gsId":1,"gsType":1,$ids,"flags":[1])), qr/flags\[0\]\.flag/],
    ['keyChoice is a number',        with_uss(qq("gsId":1,"gsType":1,$ids,"keyChoice":1)), qr/keyChoice/],
    ['nafGroup is a number',         with_uss(qq("gsId":1,"gsType":1,$ids,"nafGroup":1)), qr/nafGroup/],
);
for my $row (@refused) {
    my ($name, $body, $says) = @$row;
    my $ue = $scene->ue([1]);
    $bsf->next({ body => $body });
    $scene->row($name, $scene->ask($ue), wanted => '503 retry 30', tags => [qr/\AGBA(?:02|11)[0-9]{2}\z/], says => $says, calls => 1);
    $scene->row("$name: a whole answer helps", $scene->ask($ue), wanted => '200 protected', calls => 1);
}
$scene->finish;
done_testing;
