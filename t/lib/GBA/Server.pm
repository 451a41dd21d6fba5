# SPDX-License-Identifier: Apache-2.0
package GBA::Server;

=head1 NAME

GBA::Server - an httpd of a script's own, beside the one of the run

=head1 SYNOPSIS

    my $server = GBA::Server->start(mpm => 'worker', conf => "GBAAssociations 64\n");
    my $log    = GBA::Log->watch($server->error_log);
    my $ue     = GBA::UE->new(subscriber('both'), port => $server->port);
    $server->graceful;
    $server->stop;
    $log->finish;

=head1 DESCRIPTION

For what the server of the run cannot be: of another MPM, restarted, killed, preloaded, or with
modules that the others must not see. It has a folder of its own below the folder of the run, a
free port on 127.0.0.1, an empty ledger, and the CA, the keys and the pages of the run.
F</docs> and F</enrol> are behind C<AuthType GBA>. Options of C<start>, all optional:

  mpm          event, worker or prefork; else GBA_MPM, else event
  children     StartServers, and as many are kept (4)
  threads      ThreadsPerChild (8)
  modules      a list of more modules, such as ['proxy', 'proxy_http']; order is kept
  conf         text put behind everything else in the server's configuration
  env          a hash: environment of this httpd alone
  module       the path of the module, if it is not the one of the run
  subscribers  a list of more entries of the key file (GBA::CA::entry makes them)
  log_level    LogLevel ("info gba_pki:trace8")
  patience     seconds that a start, a restart or a stop may take (GBA_TIMEOUT, or 30)

C<port>, C<dir>, C<mpm>, C<error_log>, C<access_log>, C<pid>, and C<children> (the pids that are there
now). Lines of the access log: pid of the child, status, and what the request said in X-Test.
C<graceful> and C<restart> come back when the next generation has been started. The server ends
with the script that started it, by its pid. GBA_HTTPD_WRAPPER and GBA_HTTPD_PRELOAD hold here too.

=cut

use strict;
use warnings;
use Apache::Test ();
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(sleep time);
use GBA::Quiet qw(wait_until_quiet);
use GBA::Site qw(site slurp spew);

my @servers;

sub port       { return $_[0]{port} }
sub dir        { return $_[0]{dir} }
sub mpm        { return $_[0]{mpm} }
sub pid        { return $_[0]{pid} }
sub error_log  { return "$_[0]{dir}/error_log" }
sub access_log { return "$_[0]{dir}/access_log" }

sub start {
    my ($class, %option) = @_;
    my $self = bless {
        mpm       => $ENV{GBA_MPM} || 'event',
        children  => 4,
        threads   => 8,
        modules   => [],
        conf      => '',
        env       => {},
        module    => site()->{top} . '/.libs/mod_gba_pki.so',
        log_level => 'info gba_pki:trace8',
        patience  => $ENV{GBA_TIMEOUT} || 30,
        %option,
        owner     => $$,
    }, $class;
    $self->make_folder;
    spew($self->{dir} . '/httpd.conf', $self->configuration);
    spew($self->error_log, '');
    push @servers, $self;
    $self->spawn;
    return $self;
}

# ---- its folder and its configuration ----

sub make_folder {
    my ($self) = @_;
    my $site = site();
    my $dir  = $self->{dir} = tempdir('server.XXXXXX', DIR => "$site->{top}/run");
    chmod 0755, $dir, "$site->{top}/run" or die "$dir: $!\n";
    copy($self->{module}, "$dir/mod_gba_pki.so") or die "$self->{module}: $!\n";
    mkdir "$dir/ledger", 0700 or die "$dir/ledger: $!\n";
    chown scalar getpwnam $site->{user}, scalar getgrnam $site->{group}, "$dir/ledger" if $> == 0;
    my $keys = JSON::PP::decode_json(slurp($site->{keys}));
    spew("$dir/keys.json", JSON::PP::encode_json([@$keys, @{ $self->{subscribers} || [] }]), 0600);
    $self->{port} = free_port();
    return;
}

sub free_port {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1, ReuseAddr => 1)
        or die "no free port on 127.0.0.1: $@\n";
    return $socket->sockport;
}

sub load {
    my (@names) = @_;
    my $dir = Apache::Test::config()->apxs('LIBEXECDIR') || '/usr/lib/apache2/modules';
    return join '', map {
        qq(<IfModule !${_}_module>\nLoadModule ${_}_module "$dir/mod_$_.so"\n</IfModule>\n)
    } @names;
}

# Room for more than are started: the children of several generations live beside each other for a
# while, and a server that is near its limits says so in the log.
sub processes {
    my ($self) = @_;
    my ($children, $threads) = @{$self}{qw(children threads)};
    my $workers = $children * $threads;
    my $limit   = 4 * $children;
    # One child stays alone, even if a thread of his is at work when httpd looks how many are idle.
    my $spare   = $children > 1 ? $workers : 1;
    return <<"END" if $self->{mpm} eq 'prefork';
StartServers $children
MinSpareServers $children
MaxSpareServers @{[ $limit + 8 ]}
ServerLimit @{[ $limit + 8 ]}
MaxRequestWorkers @{[ $limit + 8 ]}
END
    return <<"END";
StartServers $children
ServerLimit $limit
ThreadLimit $threads
ThreadsPerChild $threads
MinSpareThreads $spare
MaxSpareThreads @{[ 2 * $workers ]}
MaxRequestWorkers @{[ 2 * $workers ]}
END
}

sub configuration {
    my ($self) = @_;
    my $site  = site();
    my $dir   = $self->{dir};
    my $pages = Apache::Test::vars()->{documentroot};
    my $user  = $> == 0 ? "User $site->{user}\nGroup $site->{group}\n" : '';
    return load("mpm_$self->{mpm}", qw(unixd log_config authn_core authz_core authz_user alias mime dir),
        @{ $self->{modules} }) . <<"END" . $self->processes . $self->{conf};
LoadModule gba_pki_module "$dir/mod_gba_pki.so"
Listen 127.0.0.1:$self->{port}
ServerName 127.0.0.1
ServerRoot "$dir"
<IfModule mime_module>
    TypesConfig /dev/null
    AddType text/plain .txt
    AddType text/html .html
</IfModule>
DefaultRuntimeDir "$dir"
PidFile "$dir/httpd.pid"
${user}DocumentRoot "$pages"
ErrorLog "$dir/error_log"
LogLevel $self->{log_level}
LogFormat "%P %>s %{X-Test}i" pid
CustomLog "$dir/access_log" pid
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 30
Timeout 60
MaxConnectionsPerChild 0
<Directory />
    Options FollowSymLinks
    AllowOverride None
    Require all granted
</Directory>
GBALaboratory On
GBANafFqdn pkiportal.home1.net
GBAKeySource "file:$dir/keys.json"
GBAIssuer "$site->{ca}" "$site->{ca_key}"
GBALedger "sqlite:$dir/ledger/ledger.db"
<LocationMatch "^/(docs|enrol)(/|\$)">
    AuthType GBA
    Require valid-user
</LocationMatch>
<Location "/enrol">
    SetHandler gba-enrol
</Location>
END
}

# ---- its life ----

sub command {
    my ($self) = @_;
    my @wrapper = split ' ', $ENV{GBA_HTTPD_WRAPPER} // '';
    my $httpd   = Apache::Test::vars()->{httpd};
    return (@wrapper, $httpd, '-DFOREGROUND', '-d', $self->{dir}, '-f', "$self->{dir}/httpd.conf");
}

# In the foreground, so that its pid is ours to know and to wait for; in a process group of its own,
# since a stop or a restart signals the whole group.
sub spawn {
    my ($self) = @_;
    my @command = $self->command;
    $self->{resumed} = $self->times_resumed;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        setpgrp 0, 0;
        $ENV{LD_PRELOAD} = $ENV{GBA_HTTPD_PRELOAD} if $ENV{GBA_HTTPD_PRELOAD};
        $ENV{$_} = $self->{env}{$_} for keys %{ $self->{env} };
        delete @ENV{qw(GBA_RECEIVED PERL5OPT)};
        open STDIN,  '<', '/dev/null' or POSIX::_exit(127);
        open STDOUT, '>>', $self->error_log or POSIX::_exit(127);
        open STDERR, '>&', \*STDOUT or POSIX::_exit(127);
        exec {$command[0]} @command or POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    $self->{was} = {};
    return $self->wait_for_generation;
}

sub is_gone { my ($self) = @_; return waitpid($self->{pid}, POSIX::WNOHANG()) != 0 }

sub is_listening {
    my ($self) = @_;
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 2);
}

# What httpd logs last when it starts or restarts. Its children are no sign: a daemon of a module's may
# be among them long before. httpd writes notices to a file at any LogLevel.
sub times_resumed {
    my ($self) = @_;
    return 0 unless -e $self->error_log;
    return scalar(() = slurp($self->error_log) =~ /resuming normal operations/g);
}

# Until as many children as wanted are there that were not there before.
sub wait_for_generation {
    my ($self) = @_;
    my $until = time + $self->{patience};
    while (time < $until) {
        $self->fail('ended') if $self->is_gone;
        my $new = grep { !$self->{was}{$_} } $self->children;
        return $self if $new >= $self->{children} && $self->times_resumed > $self->{resumed} && $self->is_listening;
        sleep 0.05;
    }
    return $self->fail('is not ready in time');
}

sub fail {
    my ($self, $what) = @_;
    my @lines = split /^/, slurp($self->error_log);
    $self->stop;
    die "httpd $what:\n", @lines > 20 ? @lines[-20 .. -1] : @lines;
}

# Processes whose parent it is. A zombie is one no more.
sub children {
    my ($self) = @_;
    my @children;
    for my $file (glob '/proc/[0-9]*/stat') {
        open my $stat, '<', $file or next;
        my ($pid, $state, $parent) = (<$stat> // '') =~ /\A([0-9]+) \(.*\) (\S) ([0-9]+) / or next;
        push @children, $pid if $parent == $self->{pid} && $state ne 'Z';
    }
    @children = sort { $a <=> $b } @children;
    return @children;
}

sub signal {
    my ($self, $name) = @_;
    $self->{was} = { map { $_ => 1 } $self->children };
    $self->{resumed} = $self->times_resumed;
    kill $name, $self->{pid} or die "kill $name $self->{pid}: $!\n";
    return $self->wait_for_generation;
}

sub graceful { my ($self) = @_; return $self->signal('USR1') }

sub restart {
    my ($self) = @_;
    wait_until_quiet($self->port, $self->children);
    return $self->signal('HUP');
}

# What a stop leaves is killed: children first, they could not be found any more without it.
sub stop {
    my ($self) = @_;
    my $pid = $self->{pid};
    return if !$pid || $self->{owner} != $$;
    wait_until_quiet($self->port, $self->children) unless $self->is_gone;
    my $until = time + $self->{patience};
    kill 'TERM', $pid unless $self->is_gone;
    while (!$self->is_gone) {
        sleep 0.05;
        next if time < $until;
        kill 'KILL', $self->children, $pid;
        $until = time + 5;
    }
    delete $self->{pid};
    return;
}

# By a signal too the servers end: END blocks run at an exit only.
for my $name (qw(INT TERM HUP)) {
    $SIG{$name} ||= sub { exit 128 + 1 };
}

END {
    my $status = $?;
    $_->stop for @servers;
    $? = $status;
}

1;
