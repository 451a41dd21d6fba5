# SPDX-License-Identifier: Apache-2.0
package GBA::Site;

=head1 NAME

GBA::Site - where this run of the tests has its things

=head1 SYNOPSIS

    my $port = site()->{port};
    site_write(\%site);    # by GBA::Run, before httpd starts

=head1 DESCRIPTION

Members: C<top> (the folder of the run, above t), C<port>, C<user> and C<group> of httpd's children,
C<error_log>, C<pid_file>, C<mpm>, C<ca> and C<ca_key>, C<keys> (the key file), C<ledger> (its
folder), C<unsent> (values that must not be found anywhere), C<tmp>.

=cut

use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use JSON::PP ();

our @EXPORT_OK = qw(site site_write slurp spew);

my $top = dirname(dirname(dirname(dirname(abs_path(__FILE__)))));
my $site;

sub slurp {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!\n";
    local $/ = undef;
    return scalar <$file>;
}

sub spew {
    my ($path, $octets, $mode) = @_;
    open my $file, '>:raw', $path or die "$path: $!\n";
    chmod $mode // 0644, $path or die "$path: $!\n";
    print $file $octets or die "$path: $!\n";
    close $file or die "$path: $!\n";
    return $path;
}

sub site { return $site ||= JSON::PP::decode_json(slurp("$top/run/site.json")) }

sub site_write {
    my ($members) = @_;
    $site = {%$members};
    return spew("$top/run/site.json", JSON::PP->new->canonical->pretty->encode($members));
}

1;
