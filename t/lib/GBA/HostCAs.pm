# SPDX-License-Identifier: Apache-2.0
package GBA::HostCAs;

=head1 NAME

GBA::HostCAs - which folders of CAs a program takes for its own

=head1 SYNOPSIS

    my $watch = GBA::HostCAs->watch or skip 'no C compiler', 2;
    local $ENV{LD_PRELOAD} = $watch->library;    # or env => { LD_PRELOAD => ... } of GBA::Server
    ...
    is(join(' ', $watch->seen), '', "the host's own CAs are not trusted");

=head1 DESCRIPTION

libcurl hands a folder of CAs (on Debian F</etc/ssl/certs>, if it is told none) to OpenSSL, which looks
into it only for a CA that it misses. So that a test need not put one there, the library stands
before OpenSSL and writes down each folder. Not for a program with a sanitizer.

=cut

use strict;
use warnings;
use File::Temp qw(tempdir);
use GBA::Site qw(site slurp spew);

my $source = <<'END';
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
int X509_STORE_load_path(void *store, const char *folder)
{
    int fd = open(SEEN, O_WRONLY | O_APPEND);
    (void)store;
    if (fd < 0 || write(fd, folder, strlen(folder)) < 0 || write(fd, "\n", 1) != 1)
        _exit(99);
    close(fd);
    return 1;
}
END

sub watch {
    my ($class) = @_;
    my $dir = tempdir('host-cas.XXXXXX', DIR => site()->{tmp}, CLEANUP => 1);
    chmod 0755, $dir or die "$dir: $!\n";
    spew("$dir/seen", '', 0666);
    spew("$dir/watch.c", qq(#define SEEN "$dir/seen"\n$source));
    return if system("cc -shared -fPIC -o '$dir/watch.so' '$dir/watch.c' >'$dir/said' 2>&1") != 0;
    return bless { dir => $dir }, $class;
}

sub library { return "$_[0]{dir}/watch.so" }

# The folders since the last look.
sub seen {
    my ($self) = @_;
    my @lines = split /\n/, slurp("$self->{dir}/seen");
    truncate "$self->{dir}/seen", 0 or die "$self->{dir}/seen: $!\n";
    return @lines;
}

1;
