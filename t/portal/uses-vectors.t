# SPDX-License-Identifier: Apache-2.0
# The UE of these tests against the vectors, which the module must meet too: a UE that computes
# wrongly would make every other script worthless.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use GBA::CA qw(vectors);
use GBA::Digest qw(authorization digest_hash ha1 info_value read_challenge read_info response_value rspauth_value);
use GBA::KDF qw(kdf_input naf_id naf_key password);

my $vectors = vectors();

for my $v (@{ $vectors->{gba_kdf} }) {
    my $impi = $v->{impi};
    utf8::encode($impi) if utf8::is_utf8($impi);
    my $naf_id = naf_id($v->{naf_fqdn}, $v->{ua_security_protocol_id});
    my $rand   = pack 'H*', $v->{rand};
    is(unpack('H*', $naf_id), $v->{naf_id}, "$v->{name}: NAF_Id");
    is(unpack('H*', kdf_input($v->{p0}, $rand, $impi, $naf_id)), $v->{kdf_input_s}, "$v->{name}: S");
    my $key = naf_key(ks => pack('H*', $v->{ks}), rand => $rand, impi => $impi, p0 => $v->{p0},
        naf => $v->{naf_fqdn}, ua => $v->{ua_security_protocol_id});
    is(unpack('H*', $key), $v->{key}, "$v->{name}: key");
    is(password($key), $v->{key_base64_digest_password}, "$v->{name}: password");
}

for my $v (@{ $vectors->{digest_published} }) {
    utf8::encode($v->{user});
    is(response_value(%$v, username => $v->{user}), $v->{response}, "$v->{name}: response");
}

for my $v (@{ $vectors->{ua_exchanges} }) {
    my %in = ((map { $_ => $v->{$_} } qw(algorithm qop realm nonce opaque nc cnonce password)),
        username => $v->{username_btid}, uri => $v->{request}{uri}, method => $v->{request}{method});
    is(password(pack 'H*', $v->{ks_naf}), $v->{password}, "$v->{name}: password");
    is(ha1(%in), $v->{request_steps}{ha1}, "$v->{name}: HA1");
    my $response = response_value(%in, body => $v->{request}{body});
    is($response, $v->{response}, "$v->{name}: response");
    is(rspauth_value(%in, body => $v->{reply}{body}), $v->{rspauth}, "$v->{name}: rspauth");
    my $info = info_value(%in, body => $v->{reply}{body});
    my $wanted = $v->{headers}{'Authentication-Info'} =~ s/, nextnonce="[^"]*"//r;
    is($info, $wanted, "$v->{name}: Authentication-Info");
    is_deeply(read_info($info), { rspauth => $v->{rspauth}, map { $_ => $in{$_} } qw(qop cnonce nc) },
        "$v->{name}: Authentication-Info read");
}

# What the reader of challenges must not take.
my $good = 'Digest realm="r", nonce="n", algorithm=MD5, qop="auth-int", opaque="o"';
ok(read_challenge($good), 'a challenge in the one spelling');
ok(read_challenge("$good, stale=true")->{stale}, 'and stale');
ok(!read_challenge($_), "not: $_") for (
    $good =~ s/qop="auth-int"/qop=auth-int/r, $good =~ s/MD5/"MD5"/r, "$good, stale=\"true\"", "$good, stale=false",
    $good =~ s/, opaque="o"//r, $good =~ s/(nonce="n"), (algorithm=MD5)/$2, $1/r, "$good,", " $good", lc $good);
ok(!read_info($_), "not: $_") for (
    'qop="auth-int", rspauth="00", cnonce="c", nc=00000001', 'qop=auth-int, rspauth="00", cnonce="c", nc=1',
    'qop=auth-int, rspauth="00", cnonce="c", nc="00000001"', 'rspauth="00", qop=auth-int, cnonce="c", nc=00000001');

done_testing;
