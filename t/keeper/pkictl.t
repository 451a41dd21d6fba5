#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# gba-pkictl beside a running httpd: rows by every filter and in every form, verification, copies while
# enrolments run, a revocation; and a ledger of an older version, which httpd does not take before
# it is upgraded.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Digest::SHA qw(sha256_hex);
use File::Temp ();
use JSON::PP ();
use MIME::Base64 qw(decode_base64);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use GBA::CA qw(certificate der_of new_key openssl pkcs10 subscriber);
use GBA::Keeper;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site slurp spew);
use GBA::UE;

my $program = "$ENV{GBA_BUILDDIR}/gba-pkictl";
plan skip_all => 'gba-pkictl is not built' unless -x $program;

my $json = JSON::PP->new;
my $dir  = File::Temp::tempdir('pkictl.XXXXXX', DIR => site()->{tmp}, CLEANUP => 1);
my $odd  = '=1+1,"@home1.net';
my @odd  = (GBA::CA::entry('odd', undef, impi => undef, ussList => [GBA::CA::uss($odd, 1)]));
my $server = GBA::Server->start(children => 2, subscribers => \@odd);
my $log    = GBA::Log->watch($server->error_log);
my $ledger = $server->dir . '/ledger/ledger.db';
my $ca     = site()->{ca};
my %ue     = map { $_->{name} => GBA::UE->new($_, port => $server->port) }
    @odd, map { subscriber($_) } qw(both ue-id no-flag);

# The keeper goes after httpd has: who closes a ledger last takes its write-ahead log away.
sub stop_all {
    $server->stop;
    for (1 .. 600) { return if !-e "$ledger-wal"; sleep 0.1 }
    die "the ledger is still open\n";
}

# Standard output; what it says of itself goes to %said.
my %said;
sub ctl {
    my (@words) = @_;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        delete $ENV{GBA_LEDGER};
        $ENV{GBA_LEDGER} = $ledger if $words[0] !~ /\Aledger\z/ || $words[1] eq 'backup';
        open STDOUT, '>', "$dir/out" or POSIX::_exit(127);
        open STDERR, '>', "$dir/err" or POSIX::_exit(127);
        exec {$program} $program, @words or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    %said = (code => $? & 127 ? "signal $?" : $? >> 8, err => slurp("$dir/err"));
    return slurp("$dir/out");
}

sub is_said {
    my ($code, $says, $name) = @_;
    is($said{code}, $code, "$name: exit code");
    like($said{err}, $says, "$name: what it says");
    return;
}

sub objects { return map { $json->decode($_) } split /\n/, ctl(@_) }

# RFC 4180, by its grammar.
sub csv {
    my ($text) = @_;
    my (@rows, @row);
    while ($text =~ /\G(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gc) {
        my ($quoted, $bare, $end) = ($1, $2, $3);
        push @row, defined $quoted ? $quoted =~ s/""/"/gr : $bare;
        if ($end eq "\r\n") { push @rows, [@row]; @row = () }
    }
    is(pos($text) // 0, length $text, 'CSV to its last octet');
    my $names = shift @rows;
    return map { my $row = $_; +{ map { $names->[$_] => $row->[$_] } 0 .. $#$names } } @rows;
}

sub enrol {
    my ($name, $request) = @_;
    return $ue{$name}->request('POST', '/enrol?response=single', type => 'application/x-pkcs10', fresh => 1, body => $request);
}

# Nothing to complain of since the last look, but for the laboratory (GBA0616) at a start. What each
# enrolment says is told by other scripts.
sub is_quiet {
    my ($name) = @_;
    my @loud = grep { GBA::Log::is_loud($_) && !/GBA0616/ } $log->look;
    ok(!@loud, "log: $name") or diag(@loud);
    return;
}

# ---- what there is ----
my %impi    = map { $_ => subscriber($_)->{impi} } qw(both no-flag);
my $request = pkcs10(new_key('EC', 'P-256'));
my @answers = (enrol(both => $request), enrol('ue-id' => pkcs10(new_key('RSA', 2048))), enrol(odd => pkcs10(new_key('EC', 'P-384'))));
is(join(' ', map { $_->{status} } @answers), '200 200 200', 'three certificates');
is(enrol('no-flag' => $request)->{status}, 403, 'a refusal');
is_quiet('enrolments');
my @pem = map { $_->{body} =~ /-----BEGIN/ ? $_->{body} : "-----BEGIN CERTIFICATE-----\n$_->{body}\n-----END CERTIFICATE-----\n" } @answers;
my @serial = map { lc certificate($_)->{serial} =~ s/://gr } @pem;

# ---- list ----
my @rows = objects(qw(list --json));
is_said(0, qr/\A\z/, 'list');
is(join(' ', map { $_->{serial} } @rows), "@serial", 'every certificate, in order, as JSON');
is(join(' ', map { $_->{subscriber} } @rows), "$impi{both} sip:one\@home1.net $odd", 'whose');
is($rows[0]{spki_sha256}, sha256_hex(scalar openssl(openssl($pem[0], qw(x509 -noout -pubkey)), qw(pkey -pubin -outform DER))), 'the key');
is($rows[0]{not_after}, join('Z', openssl($pem[0], qw(x509 -noout -enddate -dateopt iso_8601)) =~ /=(\S+) (\S+?)Z/) =~ s/Z/T/r . 'Z', 'the end');
my @table = split /\n/, ctl(qw(list));
is(scalar @table, 4, 'a table has a line each, and headings');
like($table[0], qr/\Aserial +state +issued_at +not_after +profile +key_usage +subscriber\z/, 'headings');
like($table[1], qr/\A$serial[0]  issued .* \Q$impi{both}\E\z/, 'a row');
my @csv = csv(ctl(qw(list --format csv)));
is(join(' ', map { $_->{serial} } @csv), "@serial", 'CSV');
is($csv[2]{subscriber}, "'$odd", 'in which nothing is a formula');

# ---- filters ----
my $soon = POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime time + 60);
my $past = POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime time - 600);
for ([0, subscriber => $impi{both}], [1, subscriber => 'sip:one@home1.net'], [2, subscriber => $odd],
    [0, subscriber => $rows[0]{pseudonym}], ['', subscriber => 'nobody@home1.net'], ['0 1 2', state => 'issued'],
    ['', state => 'revoked'], ['0 1 2', profile => 'authentication'], ['', profile => 'gold'], ['0 1 2', from => $past],
    ['', from => $soon], ['0 1 2', to => $soon], ['', to => $past]) {
    my ($wanted, $filter, $value) = @$_;
    my @got = map { my $got = $_; grep { $serial[$_] eq $got } 0 .. 2 } map { $_->{serial} } objects(qw(export --json), "--$filter", $value);
    is("@got", $wanted, "export --$filter $value");
}
is(join(' ', map { $_->{reason} } objects(qw(list --json --what decisions --subscriber), $impi{'no-flag'})), 'NO_FLAG', 'a decision, by subscriber');
is(scalar(objects(qw(list --json --what audit))), 4, 'the audit trail');
is(ctl(qw(list --json --what alarms)), '', 'no alarm');

# ---- export, with the certificates ----
my $der = der_of($pem[1]);
is(decode_base64((csv(ctl(qw(export --format csv))))[1]{certificate}), $der, 'export as CSV: DER in base64');
is(der_of((objects(qw(export --json)))[1]{certificate}), $der, 'as JSON: PEM');
is(decode_base64((objects(qw(export --format json --certificate der)))[1]{certificate}), $der, 'or DER');
ok(!exists((objects(qw(export --format json --certificate none)))[1]{certificate}), 'or none');
is(ctl('export'), join("\n", @table) . "\n", 'as a table: without');

# ---- show ----
my $text = ctl('show', $serial[0]);
is_said(0, qr/\A\z/, 'show');
like($text, qr/^subscriber +\Q$impi{both}\E$/m, 'show: the subscriber');
like($text, qr/^ +1  \S+  issued /m, 'show: its audit row');
is(der_of($text =~ /(-----BEGIN.*)/s), der_of($pem[0]), 'show: the certificate');
my $shown = $json->decode(ctl('show', uc $serial[0] =~ s/(..)(?=.)/$1:/gr, '--json'));
is($shown->{serial}, $serial[0], 'a serial as openssl prints it, and JSON');
is(join(' ', @{ $shown->{ue_identities} }), $impi{both}, 'his UE identities');
ctl('show', '0' x 32);
is_said(1, qr/no certificate of this serial/, 'a serial that is not there');

# ---- what it does not understand ----
for (['no such command', 'grow'], ['which ledger', qw(ledger verify --ca x)], ['whose signatures', qw(ledger verify x)],
    ['--state is', qw(list --state lost)], ['are times', qw(list --from yesterday)], ['means nothing', qw(show --from x), $serial[0]],
    ['--reason is', 'revoke', $serial[0]], ['which key', qw(key block)], ['too many words', qw(list all)]) {
    my ($says, @words) = @$_;
    ctl(@words);
    is_said(2, qr/\Q$says\E/, "@words");
}
like(ctl('--help'), qr/exit codes/, '--help');
my ($version) = slurp("$ENV{GBA_SRCDIR}/configure.ac") =~ /^AC_INIT\(\[mod_gba_pki\], \[([^]]+)\]\)/m;
is(qx{'$ENV{GBA_BUILDDIR}/$_' --version}, "$_ $version\n", "$_ --version") for qw(gba-pkictl gba-ue);

# ---- verify, while it runs ----
like(ctl(qw(ledger verify), $ledger, '--ca', $ca), qr/\Averified: 3 certificates, 4 audit rows in 1 chains/, 'verified');
is_said(0, qr/\A\z/, 'verify');
ctl(qw(ledger verify), $ledger, '--ca', "$dir/none.pem");
is_said(4, qr/none\.pem does not exist/, 'a CA that is not there');

# ---- backup while enrolments run ----
my @client = map {
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        my $until = time + 20;
        my $client = GBA::UE->new(subscriber('both'), port => $server->port);
        until (-e "$dir/stop" || time > $until) {
            $client->request('POST', '/enrol', type => 'application/x-pkcs10', fresh => 1, body => pkcs10(new_key('EC', 'P-256')));
        }
        POSIX::_exit(0);
    }
    $pid;
} 1 .. 2;
for my $number (1 .. 3) {
    my $had = objects(qw(list --json));
    for (1 .. 200) { last if objects(qw(list --json)) > $had; sleep 0.05 }
    my $copy = "$dir/copy$number.db";
    my $did  = $json->decode(ctl('ledger', 'backup', $copy, '--json'));
    is_said(0, qr/\A\z/, "copy $number");
    cmp_ok($did->{certificates}, '>', $had, 'more than before');
    is((stat $copy)[2] & 07777, 0600, 'for its owner alone');
    my $verified = $json->decode(ctl(qw(ledger verify), $copy, '--ca', $ca, '--json'));
    is("$said{code} $verified->{certificates}", "0 $did->{certificates}", 'it verifies');
}
spew("$dir/stop", '');
waitpid $_, 0 for @client;
ctl('ledger', 'backup', "$dir/copy1.db");
is_said(4, qr/File exists/, 'a copy is not written over');

# ---- a copy that somebody changed ----
sub sqlite { my ($file, $sql) = @_; return system('sqlite3', '-cmd', '.timeout 30000', $file, $sql) == 0 }
SKIP: {
    skip 'no sqlite3', 5 unless grep { -x "$_/sqlite3" } split /:/, $ENV{PATH};
    sqlite("$dir/copy1.db", "DROP TRIGGER certificate_fixed; UPDATE certificate SET not_after = not_after + 1 WHERE serial = '$serial[1]'");
    like(ctl(qw(ledger verify), "$dir/copy1.db", '--ca', $ca), qr/^certificate $serial[1]: says something else than its row$/m, 'the row is named');
    is_said(1, qr/does not verify: 2 findings/, 'changed');
    ctl(qw(ledger verify), "$dir/copy2.db", '--ca', "$Bin/../vectors/ledger-v1/ca.pem");
    is_said(1, qr/does not verify/, 'by another CA');
}

# ---- orders ----
like(ctl('revoke', $serial[0], '--reason', 'keyCompromise'), qr/\Arevoked: certificate $serial[0] of \Q$impi{both}\E; its key is blocked/, 'revoked');
is((objects(qw(list --json --state revoked)))[0]{revocation_reason}, 'keyCompromise', 'with its reason');
my ($key) = (objects(qw(list --json --state revoked)))[0]{spki_sha256};
ctl('revoke', '0' x 32, '--reason', 'unspecified');
is_said(1, qr/no certificate of this serial/, 'revoke what is not there');
like(ctl(qw(key unblock --spki-sha256), $key), qr/\Aunblocked: key $key/, 'the key is let go');
spew("$dir/request.pem", $request);
like(ctl(qw(key block --csr), "$dir/request.pem", '--reason', 'lost'), qr/\Ablocked: key $key/, 'and blocked by its PKCS#10');
like(ctl(qw(key block --serial), $serial[0]), qr/\Awas blocked before/, 'or its certificate, which changes nothing');
my @trail = objects(qw(list --json --what audit));
is(join(' ', map { $_->{event} } @trail[-4 .. -1]), 'revoked blocked unblocked blocked', 'all in the audit trail');
like($trail[-1]{btid}, qr/\Aoperator:[^@]+\z/, 'with who ordered it');
spew("$dir/cert.pem", $pem[1]);
like(ctl(qw(key block --cert), "$dir/cert.pem"), qr/\Ablocked: key $rows[1]{spki_sha256}/, 'or by a certificate');
ctl(qw(key block --cert), "$dir/request.pem");
is_said(4, qr/holds no PEM certificate/, 'but not by what is none');
is(enrol(both => pkcs10(new_key('EC', 'P-256')))->{status}, 200, 'the keeper goes on');
is_quiet('reading, copying and orders beside the keeper');
stop_all();
like(ctl(qw(ledger verify), $ledger, '--ca', $ca), qr/\Averified: .*; 0 rows not signed yet/, 'httpd stopped: verified, and signed to the end');
is((grep { $_->{event} eq 'revoked' } objects(qw(list --json --what audit)))[0]{serial}, $serial[0], 'and still read');
$server->spawn;
is(enrol(both => pkcs10(new_key('EC', 'P-256')))->{status}, 200, 'started again, httpd writes it');
stop_all();
is_quiet('stopped and started');

# ---- an older one ----
SKIP: {
    skip 'no sqlite3', 15 unless grep { -x "$_/sqlite3" } split /:/, $ENV{PATH};
    my $older = "$dir/older.db";
    system("sqlite3 '$older' <'$Bin/../vectors/ledger-v1/ledger.sql' >/dev/null") == 0 or die "sqlite3\n";
    ctl(qw(ledger verify), $older, '--ca', "$Bin/../vectors/ledger-v1/ca.pem");
    is_said(3, qr/version 1, older than version 2 .* gba-pkictl ledger upgrade \Q$older\E/, 'an older ledger');
    rename $_, "$_.kept" for grep { -e } map { "$ledger$_" } '', '-wal', '-shm';
    system('cp', '-p', $older, $ledger) == 0 or die "cp\n";
    chown scalar getpwnam site()->{user}, scalar getgrnam site()->{group}, $ledger if $> == 0;
    ok(!eval { $server->spawn }, 'httpd does not start with it');
    like($@, qr/gba-pkictl ledger upgrade \Q$ledger\E/, 'and names the command');
    $log->look;
    like(ctl(qw(ledger upgrade), $ledger), qr/\Aupgraded from version 1 to 2: 4 certificates, 9 audit rows/, 'upgraded');
    like(ctl(qw(ledger verify), $ledger, '--ca', "$Bin/../vectors/ledger-v1/ca.pem"), qr/\Averified: 4 certificates, 9 audit rows in 2 chains, 2 signed heads; 1 /, 'and verified');
    $server->spawn;
    is(enrol(both => pkcs10(new_key('EC', 'P-256')))->{status}, 200, 'httpd starts with it, and writes it');
    ctl(qw(ledger upgrade), $ledger);
    is_said(3, qr/in use; stop httpd/, 'no upgrade while httpd has it');
    stop_all();
    sqlite($ledger, 'UPDATE meta SET schema_version = 3');
    ctl(qw(ledger upgrade), $ledger);
    is_said(3, qr/newer than version 2/, 'no upgrade of a newer one');
    ok(!eval { $server->spawn }, 'with which httpd does not start either');
    like($@, qr/version 3, newer than version 2/, 'and says why');
    $log->look;
}
$log->finish;
done_testing;
