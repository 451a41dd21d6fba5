# SPDX-License-Identifier: Apache-2.0
package GBA::Prometheus;

=head1 NAME

GBA::Prometheus - reads the Prometheus text exposition format 0.0.4, strictly

=head1 SYNOPSIS

    my $metrics = GBA::Prometheus::parse($text);    # dies at whatever is not in its grammar
    print $metrics->{type}{gba_replays_total};                             # counter
    print $metrics->{value}{'gba_challenges_total{stale="true"}'};         # 3

=head1 DESCRIPTION

Written from the format's description alone. More is demanded than it says, as the module promises
more: HELP and TYPE before the samples of each metric, in this order and once; all of a metric in
one piece; no sample twice; no time stamps, no other comments and no empty lines; counters that end in
C<_total>; histograms whose buckets rise, in bounds and in counts, up to one without a bound that is
the count. Members of what C<parse> returns: C<type> and C<help> by metric, C<value> by sample
as it stands in the text (name, labels in braces), C<names> (the metrics in order).

=cut

use strict;
use warnings;

my $name   = qr/[a-zA-Z_:][a-zA-Z0-9_:]*/;
my $label  = qr/(?!__)[a-zA-Z_][a-zA-Z0-9_]*/;
my $quoted = qr/"(?:[^"\\\n]|\\[\\"n])*"/;
my $number = qr/[+-]?(?:[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|Inf)|NaN/;

sub parse {
    my ($text) = @_;
    my %all = (type => {}, help => {}, value => {}, names => []);
    die "no new-line at the end\n" unless $text =~ /\n\z/;
    die "an octet that is none of its text\n" if $text =~ /[^\x20-\x7e\n]/;
    for my $line (split /\n/, $text =~ s/\n\z//r, -1) {
        if    ($line =~ /\A# HELP ($name) (\S.*)\z/) { begin(\%all, $1, $2) }
        elsif ($line =~ /\A# TYPE ($name) (counter|gauge|histogram)\z/) { type(\%all, $1, $2) }
        elsif ($line =~ /\A($name)(?:\{((?:$label=$quoted)(?:,$label=$quoted)*)\})? ($number)\z/) { sample(\%all, $1, $2 // '', $3) }
        else  { die "no line of this format: $line\n" }
    }
    histogram(\%all, $_) for grep { $all{type}{$_} eq 'histogram' } @{ $all{names} };
    return \%all;
}

sub begin {
    my ($all, $metric, $help) = @_;
    die "HELP of $metric comes twice\n" if exists $all->{help}{$metric};
    die "$all->{names}[-1] has no TYPE\n" if @{ $all->{names} } && !$all->{type}{ $all->{names}[-1] };
    $all->{help}{$metric} = $help;
    push @{ $all->{names} }, $metric;
    return;
}

sub type {
    my ($all, $metric, $type) = @_;
    die "TYPE of $metric is not behind its HELP\n" unless @{ $all->{names} } && $all->{names}[-1] eq $metric;
    die "TYPE of $metric comes twice\n" if $all->{type}{$metric};
    die "$metric is a $type\n" if ($type eq 'counter') != ($metric =~ /_total\z/ ? 1 : 0);
    $all->{type}{$metric} = $type;
    return;
}

sub sample {
    my ($all, $series, $labels, $value) = @_;
    my $metric = $all->{names}[-1] // die "a sample before any metric: $series\n";
    my $type   = $all->{type}{$metric} // die "a sample before its TYPE: $series\n";
    my $suffix = $type eq 'histogram' ? qr/_(?:bucket|sum|count)/ : qr//;
    die "$series is no sample of $metric\n" unless $series =~ /\A\Q$metric\E$suffix\z/;
    my @names = $labels =~ /($label)=$quoted/g;
    my %seen;
    $seen{$_}++ && die "$series: label $_ comes twice\n" for @names;
    die "$series {$labels}: a bucket has le, nothing else has\n" if ($series =~ /_bucket\z/ && $type eq 'histogram' ? 1 : 0) != ($seen{le} // 0);
    die "$series: $value is no count\n" if $type ne 'gauge' && $series !~ /_sum\z/ && $value !~ /\A[0-9]+\z/;
    my $key = $labels eq '' ? $series : "$series\{$labels}";
    die "$key comes twice\n" if exists $all->{value}{$key};
    $all->{value}{$key} = $value;
    push @{ $all->{buckets}{$metric} }, [$labels =~ /\Ale="([^"]+)"\z/, $value] if $series =~ /_bucket\z/;
    return;
}

# One that has no label beside le.
sub histogram {
    my ($all, $metric) = @_;
    my ($bound, $count) = (undef, 0);
    my @buckets = @{ $all->{buckets}{$metric} || [] } or die "$metric has no buckets\n";
    for my $bucket (@buckets) {
        die "$metric: a bound that is no number\n" unless $bucket->[0] =~ /\A(?:[0-9]+(?:\.[0-9]+)?|\+Inf)\z/;
        my $next = $bucket->[0] eq '+Inf' ? 9**9**9 : $bucket->[0];
        die "$metric: bounds do not rise at $bucket->[0]\n" if defined $bound && $next <= $bound;
        die "$metric: counts fall at $bucket->[0]\n" if $bucket->[1] < $count;
        ($bound, $count) = ($next, $bucket->[1]);
    }
    die "$metric: no bucket for all\n" unless $buckets[-1][0] eq '+Inf';
    my $all_of_it = $all->{value}{"${metric}_count"} // die "$metric: no count\n";
    die "$metric: the last bucket is not the count\n" unless $all_of_it == $count;
    die "$metric: no sum\n" unless defined $all->{value}{"${metric}_sum"};
    return;
}

1;
