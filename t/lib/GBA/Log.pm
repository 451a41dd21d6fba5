# SPDX-License-Identifier: Apache-2.0
package GBA::Log;

=head1 NAME

GBA::Log - httpd's error log as an oracle

=head1 SYNOPSIS

    my $log = GBA::Log->watch;                   # or of another server: watch($server->error_log)
    ...
    $log->holds('wrong password', 'GBA0419');    # one test: these tags and no others
    $log->finish;                                # one test: nothing else
    done_testing;

=head1 DESCRIPTION

C<holds> looks at what was logged since the last look. It passes if the module's tags there are
those given, in any order, each as often as given, and if every line at warn or above, and every
line that has not the log's form (what libraries and sanitizers write), carries one of them. Lines
of httpd's own at warn or above are expected by their AH number. A tag may be given as a pattern.
A script that ends without C<finish> fails.

=cut

use strict;
use warnings;
use Test::More ();
use GBA::Site qw(site);

my $watched = 0;

sub watch {
    my ($class, $path) = @_;
    $path //= site()->{error_log};
    $watched++;
    return bless { path => $path, at => -s $path }, $class;
}

# The lines that were added since the last look.
sub look {
    my ($self) = @_;
    open my $file, '<:raw', $self->{path} or die "$self->{path}: $!\n";
    seek $file, $self->{at}, 0;
    my @lines = <$file>;
    # A line that is still being written is left for the next look.
    pop @lines if @lines && $lines[-1] !~ /\n\z/;
    $self->{at} += length for @lines;
    return @lines;
}

sub is_loud {
    my ($line) = @_;
    return 1 unless $line =~ /\A\[[^\]]+\] \[[\w-]*:(\w+)\] /;
    # httpd says at notice that a child crashed.
    return 1 if $line =~ /exit signal (?!Killed|Terminated)/;
    # A child that takes three seconds to end is slow; one that hangs is killed (AH00046).
    return 0 if $line =~ /\bAH00045:/;
    return $1 =~ /\A(?:warn|error|crit|alert|emerg)\z/;
}

sub tag_of {
    my ($line) = @_;
    return $1 if $line =~ /\b(GBA[0-9]{4}):/;
    return is_loud($line) && $line =~ /\b(AH[0-9]{5}):/ ? $1 : undef;
}

sub fits {
    my ($tag, $wanted) = @_;
    return defined $tag && (ref $wanted ? $tag =~ $wanted : $tag eq $wanted);
}

# Strikes the tags wanted off the lines; what is left on either side is a problem.
sub problems {
    my ($lines, @wanted) = @_;
    my @problems;
    for my $line (@$lines) {
        my $tag = tag_of($line);
        next unless defined $tag || is_loud($line);
        my $i = 0;
        $i++ while $i < @wanted && !fits($tag, $wanted[$i]);
        if ($i < @wanted) { splice @wanted, $i, 1 }
        else              { push @problems, "not expected: $line" }
    }
    return (@problems, map { "not logged: $_\n" } @wanted);
}

# How often a tag was logged since the last look; what is looked at stays to be looked at.
sub count {
    my ($self, $wanted) = @_;
    my $at    = $self->{at};
    my $count = grep { (tag_of($_) // '') eq $wanted } $self->look;
    $self->{at} = $at;
    return $count;
}

# Ends the watch outside a test script: the loud lines since the last look.
sub loud {
    my ($self) = @_;
    $watched--;
    return grep { is_loud($_) } $self->look;
}

sub holds {
    my ($self, $name, @wanted) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @problems = problems([$self->look], @wanted);
    Test::More::ok(!@problems, "log: $name");
    Test::More::diag(@problems) if @problems;
    return !@problems;
}

sub finish {
    my ($self, @wanted) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $watched--;
    return $self->holds('nothing else', @wanted);
}

END {
    if ($watched) {
        print STDERR "# the error log was watched and not looked at to the end\n";
        $? ||= 1;
    }
}

1;
