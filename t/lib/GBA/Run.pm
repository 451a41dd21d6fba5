# SPDX-License-Identifier: Apache-2.0
package GBA::Run;

=head1 NAME

GBA::Run - Apache::Test for this module, inside the folder that t/TEST.PL made

=head1 DESCRIPTION

A subclass of L<Apache::TestRun>: runs as root too (httpd's children do not), chooses the port,
makes CA, keys, ledger folder and pages before httpd starts, puts a wrapper before httpd, runs
C<no-leak.t> last since it searches what the others left, and can print TAP.

=cut

use strict;
use warnings FATAL => 'all';
use base qw(Apache::TestRun);
use Apache::TestConfig ();
use Apache::TestServer ();
use IO::Socket::INET;
use TAP::Parser;
use GBA::CA qw(make_ca write_subscribers);
use GBA::Leak qw(files search secrets);
use GBA::Log;
use GBA::Site qw(site_write spew);

my $top = $ENV{GBA_STAGE};
my @mpm = qw(event worker prefork);

sub check_runtime_user { return 1 }

# Apache::Test reads options before it has a configuration: ours go in with the command line's.
sub getopts {
    my ($self, $argv) = @_;
    my %ours = (-port => free_port(), -servername => '127.0.0.1', -httpd_conf => '/dev/null',
        -minclients => 2, -maxclients => 8);
    my %given = map { lc s/\A--?/-/r => 1 } grep { /\A-/ } @$argv;
    return $self->SUPER::getopts([(map { ($_, $ours{$_}) } grep { !$given{$_} } sort keys %ours), @$argv]);
}

sub free_port {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1, ReuseAddr => 1)
        or die "no free port on 127.0.0.1: $@\n";
    return $socket->sockport;
}

sub mpm {
    my $mpm = $ENV{GBA_MPM} || 'event';
    return $mpm if grep { $_ eq $mpm } @mpm;
    die "GBA_MPM: '$mpm' given, one of @mpm expected\n";
}

sub new_test_config {
    my ($self) = @_;
    my $config = $self->SUPER::new_test_config;
    my $mpm    = mpm();
    my $dir    = $config->apxs('LIBEXECDIR') || '/usr/lib/apache2/modules';
    $config->{vars}{gba_top}     = $top;
    $config->{vars}{gba_mpm}     = $mpm;
    $config->{vars}{gba_cgi}     = $mpm eq 'prefork' ? 'cgi' : 'cgid';
    $config->{vars}{gba_modules} = $dir;
    $config->{vars}{gba_more}    = join "\n", map { "LoadModule ${_}_module \"$dir/mod_$_.so\"" } split ' ', $ENV{GBA_MODULES} // '';
    return $config;
}

# ---- what must be there before httpd starts ----

sub configure {
    my ($self) = @_;
    $self->prepare;
    return $self->SUPER::configure;
}

sub prepare {
    my ($self) = @_;
    my $vars = $self->{test_config}{vars};
    my %site = (
        top => $top, port => $vars->{port}, mpm => mpm(), user => $vars->{user}, group => $vars->{group},
        error_log => "$vars->{t_logs}/error_log", pid_file => $vars->{t_pid_file},
        ca => "$top/run/ca.pem", ca_key => "$top/run/ca.key", keys => "$top/run/keys.json",
        ledger => "$top/run/ledger", unsent => "$top/run/unsent", tmp => "$top/tmp",
    );
    make_ca(@site{qw(ca ca_key)});
    write_subscribers($site{keys}, "$top/t/vectors/vectors.json");
    mkdir $site{ledger}, 0700 or die "$site{ledger}: $!\n";
    chown scalar getpwnam $site{user}, scalar getgrnam $site{group}, $site{ledger} if $> == 0;
    spew($site{unsent}, '', 0600);
    write_pages($vars->{documentroot});
    return site_write(\%site);
}

sub write_pages {
    my ($root) = @_;
    my %page = (
        'index.html'       => "<p>open</p>\n",
        'docs/hello.txt'   => "hello\n",
        'docs/empty.txt'   => '',
        'docs/text.txt'    => "compress me " x 1000,
        'docs/large.bin'   => pack('N*', map { $_ * 2654435761 % 2**32 } 1 .. 100_000),
        'errors/page.html' => "<p>the operator's page</p>\n",
    );
    for my $name (sort keys %page) {
        my ($folder) = "$root/$name" =~ m{(.*)/};
        -d $_ or mkdir $_, 0755 or die "$_: $!\n" for $root, $folder;
        spew("$root/$name", $page{$name});
    }
    return;
}

# ---- httpd, perhaps under something else ----

{
    no warnings 'redefine';
    my $start_cmd = \&Apache::TestServer::start_cmd;
    *Apache::TestServer::start_cmd = sub {
        my @before = grep { defined && length } $ENV{GBA_HTTPD_WRAPPER};
        unshift @before, "env LD_PRELOAD='$ENV{GBA_HTTPD_PRELOAD}'" if $ENV{GBA_HTTPD_PRELOAD};
        return join ' ', @before, $start_cmd->(@_);
    };
}

# ---- the scripts ----

sub run_tests {
    my ($self) = @_;
    return unless $self->{opts}{'run-tests'};
    my @tests = @{ $self->{tests} || [] };
    @tests = sort glob 't/*/*.t' unless @tests;
    die "no tests\n" unless @tests;
    $self->{tests} = [sort { ($a =~ /no-leak/) <=> ($b =~ /no-leak/) } @tests];
    return $self->SUPER::run_tests unless $ENV{GBA_TAP};
    my ($number, $failed) = print_tap(@{ $self->{tests} });
    my $log = GBA::Log->watch;
    $self->SUPER::stop;
    for my $check (checks_at_the_end($log)) {
        my ($name, @problems) = @$check;
        printf "%s %d - %s\n", @problems ? 'not ok' : 'ok', ++$number, $name;
        print map { "#   $_" =~ s/\n?\z/\n/r } @problems;
        $failed++ if @problems;
    }
    print "1..$number\n";
    return Apache::TestRun::exit_perl(!$failed);
}

# What can be known only when httpd has stopped: what it said while it did, and what was written late.
sub stop {
    my ($self) = @_;
    return $self->SUPER::stop unless $self->{opts}{'stop-httpd'} && $self->{opts}{'run-tests'};
    my $log     = GBA::Log->watch;
    my $stopped = $self->SUPER::stop;
    my @problems = map { my ($name, @found) = @$_; map { "$name: $_" } @found } checks_at_the_end($log);
    return $stopped unless @problems;
    print map { s/\n?\z/\n/r } @problems;
    return Apache::TestRun::exit_perl(0);
}

sub checks_at_the_end {
    my ($log) = @_;
    # The ledger that a test broke on purpose cannot have its chain signed either.
    my @loud = grep { !m{GBA0579: keeper: ledger \S*/broken\.db: } } $log->loud;
    return (['httpd stops without complaint', @loud], ['no secret after it has stopped', search(secrets(), files())]);
}

# One stream of all scripts. A script that ends badly, or runs other than its plan, is one more failure.
sub print_tap {
    my (@tests) = @_;
    my ($number, $failed) = (0, 0);
    for my $test (@tests) {
        my $parser = TAP::Parser->new({ source => $test });
        my $name   = $test =~ s{\At/}{}r;
        while (my $result = $parser->next) {
            next if $result->is_plan;
            print $result->as_string, "\n" unless $result->is_test;
            next unless $result->is_test;
            printf "%s %d - %s: %s%s\n", $result->is_actual_ok ? 'ok' : 'not ok', ++$number, $name,
                $result->description =~ s/\A- //r, $result->directive ? ' # ' . $result->directive . ' ' . $result->explanation : '';
            $failed++ unless $result->is_ok;
        }
        next unless $parser->exit || $parser->parse_errors;
        next if $parser->failed && !$parser->parse_errors;
        printf "not ok %d - %s: runs to its end (%s)\n", ++$number, $name, join '; ', $parser->parse_errors, 'exit ' . $parser->exit;
        $failed++;
    }
    return ($number, $failed);
}

1;
