# SPDX-License-Identifier: Apache-2.0
package GBA::Ledger;

=head1 NAME

GBA::Ledger - the SQLite ledger, seen past the module's own code

=head1 SYNOPSIS

    my $ledger = GBA::Ledger->new($server->dir . '/ledger/ledger.db');
    my @rows = $ledger->rows('SELECT serial, state FROM certificate');
    my @problems = $ledger->problems(@received);    # what clients hold: [serial, der], ...

=head1 DESCRIPTION

By the sqlite3 program, which must be there (C<< GBA::Ledger->is_possible >>). C<problems> looks for
everything that must never be: a certificate that somebody received and that the ledger does not
hold octet for octet as issued or superseded; two serials that are the same; two certificates of
the same subscriber, key, profile, usage and CA in force; a key of two subscribers; a certificate
without its decision, or by another profile than its decision, or a decision without its certificate; an audit trail whose numbers, hashes or
ends are wrong. C<over_quota> looks for more certificates of a subscriber than C<GBAQuota MAX per SECONDS> lets
through. C<hold> is another program that holds the ledger for itself until it is told to
C<release>.

=cut

use strict;
use warnings;
use Digest::SHA qw(sha256);
use IPC::Open2 qw(open2);
use JSON::PP ();

sub new {
    my ($class, $path) = @_;
    return bless { path => $path }, $class;
}

sub is_possible { return scalar grep { -x "$_/sqlite3" } split /:/, $ENV{PATH} }

sub rows {
    my ($self, $sql) = @_;
    open my $out, '-|', 'sqlite3', '-readonly', '-json', '-cmd', '.timeout 5000', $self->{path}, $sql
        or die "sqlite3: $!\n";
    my $text = do { local $/ = undef; <$out> };
    close $out or die "sqlite3 failed on $self->{path}: $sql\n";
    return $text =~ /\S/ ? @{ JSON::PP::decode_json($text) } : ();
}

# ---- certificates ----

sub missing {
    my ($self, @received) = @_;
    my %held = map { $_->{serial} => $_ } $self->rows('SELECT serial, state, hex(der) AS der FROM certificate');
    my @problems;
    for my $pair (@received) {
        my ($serial, $der) = @$pair;
        my $row = $held{$serial};
        push @problems, "$serial was given out and is not in the ledger" if !$row;
        next unless $row;
        push @problems, "$serial was given out and is $row->{state}" unless $row->{state} =~ /\A(?:issued|superseded)\z/;
        push @problems, "$serial was given out and is another in the ledger" unless pack('H*', $row->{der}) eq $der;
    }
    return @problems;
}

my @never = (
    ['a serial twice', 'SELECT serial AS what FROM certificate GROUP BY serial HAVING count(*) > 1'],
    ['two in force for one claim', q{SELECT min(serial) AS what FROM certificate WHERE state = 'issued'
        GROUP BY spki_sha256, subscriber_id, profile, key_usage, issuer_id HAVING count(*) > 1}],
    ['a key of two subscribers', q{SELECT min(serial) AS what FROM certificate WHERE state <> 'abandoned'
        GROUP BY spki_sha256 HAVING count(DISTINCT subscriber_id) > 1}],
    ['a certificate without its decision', q{SELECT serial AS what FROM certificate WHERE
        (SELECT count(*) FROM audit WHERE audit.serial = certificate.serial AND event = 'issued') <> 1}],
    ['a certificate by another profile than its decision', q{SELECT serial AS what FROM certificate c WHERE
        EXISTS (SELECT 1 FROM audit a WHERE a.serial = c.serial AND a.event = 'issued' AND a.profile_sha256 IS NOT c.profile_sha256)}],
    ['a decision without its certificate', q{SELECT serial AS what FROM audit WHERE
        serial NOT IN (SELECT serial FROM certificate)}],
    ['a damaged page', q{SELECT integrity_check AS what FROM pragma_integrity_check WHERE integrity_check <> 'ok'}],
);

# What GBAQuota MAX per SECONDS must never let happen: at no second were there more within the window.
sub over_quota {
    my ($self, $max, $seconds) = @_;
    return map { "$_->{count} certificates of subscriber $_->{subscriber_id} within $seconds s of $_->{issued_at}" }
        $self->rows(qq{SELECT a.subscriber_id, a.issued_at, count(DISTINCT b.id) AS count FROM certificate a JOIN certificate b
        ON b.subscriber_id = a.subscriber_id AND b.profile = a.profile AND b.issued_at <= a.issued_at
        AND b.issued_at > a.issued_at - $seconds WHERE a.state <> 'abandoned' AND b.state <> 'abandoned'
        GROUP BY a.id HAVING count(DISTINCT b.id) > $max});
}

# ---- the audit trail ----

sub number { my ($n) = @_; return pack 'q>', $n }
sub octets { my ($o) = @_; return defined $o ? number(1) . number(length $o) . $o : number(0) }

sub row_hash {
    my ($row, $before) = @_;
    my $spki = defined $row->{spki} ? pack('H*', $row->{spki}) : undef;
    my $version = defined $row->{as_it_was} ? 2 : 1;
    return sha256("mod_gba_pki audit row v$version\0", $before, number($row->{id}), octets($row->{writer}), number($row->{at}),
        (map { octets($row->{$_}) } qw(event identity btid profile reason)), octets($spki),
        number($row->{key_usage}), octets($row->{serial}), number($row->{alarm}),
        $version == 2 ? octets(pack 'H*', $row->{as_it_was}) : ());
}

sub chain_problems {
    my ($self) = @_;
    my (%end, @problems, $id);
    for my $row ($self->rows(q{SELECT id, writer, at, event, identity, btid, profile, reason,
        CASE WHEN spki_sha256 IS NULL THEN NULL ELSE hex(spki_sha256) END AS spki, key_usage, serial, alarm,
        CASE WHEN profile_sha256 IS NULL THEN NULL ELSE hex(profile_sha256) END AS as_it_was,
        hex(hash) AS hash FROM audit ORDER BY id})) {
        push @problems, "audit row $row->{id} does not follow its predecessor" if $row->{id} != ++$id;
        my $hash = row_hash($row, $end{ $row->{writer} }[1] // "\0" x 32);
        push @problems, "audit row $row->{id} has another hash" if uc unpack('H*', $hash) ne $row->{hash};
        $end{ $row->{writer} } = [$row->{id}, $hash];
    }
    my %told = map { $_->{writer} => "$_->{last_id} $_->{hash}" } $self->rows('SELECT writer, last_id, hex(hash) AS hash FROM chain_head');
    my %seen = map { $_ => "$end{$_}[0] " . uc unpack 'H*', $end{$_}[1] } keys %end;
    push @problems, map { "the chain of $_ ends elsewhere than is told" }
        grep { ($told{$_} // '') ne ($seen{$_} // '') } sort keys %{ { %told, %seen } };
    return @problems;
}

sub problems {
    my ($self, @received) = @_;
    my @problems = $self->missing(@received);
    for my $row (@never) {
        my ($name, $sql) = @$row;
        push @problems, map { "$name: $_->{what}" } $self->rows($sql);
    }
    return (@problems, $self->chain_problems);
}

# ---- another program ----

sub hold {
    my ($self) = @_;
    my $pid = open2(my $out, my $in, 'sqlite3', '-cmd', '.timeout 10000', $self->{path});
    syswrite $in, "BEGIN EXCLUSIVE;\nSELECT 'held';\n";
    my $line = <$out> // '';
    die "sqlite3 cannot hold $self->{path}\n" unless $line eq "held\n";
    $self->{holder} = [$pid, $in, $out];
    return 1;
}

sub release {
    my ($self) = @_;
    my ($pid, $in, $out) = @{ delete $self->{holder} };
    close $in;
    waitpid $pid, 0;
    return close $out;
}

1;
