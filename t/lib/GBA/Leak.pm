# SPDX-License-Identifier: Apache-2.0
package GBA::Leak;

=head1 NAME

GBA::Leak - searches what a run left for what nobody may find there

=head1 SYNOPSIS

    my @found = search(secrets(), files());    # "file: secret, form"

=head1 DESCRIPTION

Secrets are every Ks_NAF of every key file of the run, the HA1s made from them, the right responses
that were never sent (L<GBA::UE> notes them), and the CA's private key; each in the forms in which
careless code would write it.

=cut

use strict;
use warnings;
use Exporter qw(import);
use File::Find qw(find);
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use GBA::CA qw(openssl);
use GBA::Digest qw(ha1);
use GBA::KDF qw(password);
use GBA::Site qw(site slurp);

our @EXPORT_OK = qw(files forms search secrets);

# ---- the ways in which something could be said ----

# How httpd's log writes octets that are not printable.
sub escaped {
    my ($octets) = @_;
    return $octets =~ s/([^ !#-\[\]-~])/sprintf '\\x%02x', ord $1/ger;
}

# Half of the secret is enough to be found, so that one that was cut short is found too.
sub forms {
    my ($octets) = @_;
    my $half   = substr $octets, 0, length($octets) / 2;
    my $hex    = unpack 'H*', $half;
    my $base64 = substr encode_base64($octets, ''), 0, 4 * int(length($half) / 3);
    my %form   = (raw => $half, hex => $hex, HEX => uc $hex, base64 => $base64, base64url => $base64 =~ tr{+/}{-_}r,
        'hex with colons' => $hex =~ s/(..)(?=.)/$1:/gr, 'hex with spaces' => $hex =~ s/(..)(?=.)/$1 /gr,
        'escaped as in a log' => escaped($half), 'base64 of hex' => substr(encode_base64(unpack('H*', $octets), ''), 0, 20));
    return \%form;
}

# Where secrets lie by right; servers of single scripts have a key file of their own.
sub by_right { return site()->{unsent}, site()->{ca_key}, key_files() }

sub key_files {
    my @files;
    find({ no_chdir => 1, wanted => sub { push @files, $_ if -f && m{/keys\.json\z} } }, site()->{top});
    return @files;
}

# All secrets of the run, by name.
sub secrets {
    my %secret;
    for my $entry (map { @{ JSON::PP::decode_json(slurp($_)) } } key_files()) {
        my $key = pack 'H*', $entry->{meKeyMaterial};
        my $who = "$entry->{name}, $entry->{btId}";
        $secret{"Ks_NAF of $who"} = $key;
        for my $algorithm (qw(MD5 SHA-256 SHA-512-256)) {
            my $ha1 = ha1(algorithm => $algorithm, username => $entry->{btId}, password => password($key),
                realm => "3GPP-bootstrapping\@$entry->{nafId}{nafFqdn}");
            $secret{"HA1 of $who, $algorithm"} = pack 'H*', $ha1;
        }
    }
    my $n = 0;
    $secret{ 'right response ' . ++$n } = pack 'H*', $_ for split /\n/, slurp(site()->{unsent});
    # The private key of the CA: the scalar of its curve.
    my $text = openssl('', 'pkey', '-in', site()->{ca_key}, '-noout', '-text');
    my ($scalar) = $text =~ /priv:\s*\n((?:\s+[0-9a-f:]+\n)+)/ or die "no private key\n";
    $secret{'private key of the CA'} = pack 'H*', $scalar =~ s/[^0-9a-f]//gr;
    return \%secret;
}

# ---- searching ----

# Every file of the run but those, and but the program texts and inputs of the tests.
sub files {
    my @files;
    my $top     = site()->{top};
    my %skipped = map { $_ => 1 } by_right();
    find({ no_chdir => 1, wanted => sub {
        push @files, $_ if -f && -s && !$skipped{$_} && !/\.(?:t|pm|PL|pl|so)\z/ && !m{^\Q$top\E/t/vectors/};
    } }, $top);
    return @files;
}

my $window = 8;    # octets by which a form is recognized; none is shorter
my $block_size = 64 * 1024;

# From the first octets of every form to the forms that start so: [form, what it is].
sub index_of {
    my ($secrets) = @_;
    my (%index, %known);
    for my $name (sort keys %$secrets) {
        my $forms = forms($secrets->{$name});
        for my $form (sort keys %$forms) {
            next if $known{ $forms->{$form} }++;
            push @{ $index{ substr $forms->{$form}, 0, $window } }, [$forms->{$form}, "$name, $form"];
        }
    }
    return \%index;
}

# What is found: "file: secret, form". Every octet of every file is looked at, in blocks that
# overlap. One hash, no pattern: thousands of alternatives take a pattern minutes.
sub search {
    my ($secrets, @files) = @_;
    my $index = index_of($secrets);
    my %found;
    for my $file (@files) {
        open my $in, '<:raw', $file or die "$file: $!\n";
        my $tail = '';
        while (read $in, my $block, $block_size) {
            my $octets = $tail . $block;
            for my $at (0 .. length($octets) - $window) {
                my $forms = $index->{ substr $octets, $at, $window } or next;
                for my $form (@$forms) {
                    $found{"$file: $form->[1]"} = 1 if substr($octets, $at, length $form->[0]) eq $form->[0];
                }
            }
            $tail = substr $octets, -512;
        }
    }
    my @found = sort keys %found;
    return @found;
}

1;
