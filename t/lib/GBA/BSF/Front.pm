# SPDX-License-Identifier: Apache-2.0
package GBA::BSF::Front;

=head1 NAME

GBA::BSF::Front - nghttpx before a BSF: HTTP/2, TLS and client certificates by somebody else's code

=head1 SYNOPSIS

    plan skip_all => $why if $why = GBA::BSF::Front::missing();
    my $front = GBA::BSF::Front->start($bsf, tls => $pki->{server}, clients => $pki->{ca});
    ... GBABsfAddress @{[ $front->url ]} ...
    my @lines = $front->lines(1);    # at least one: "PORT ALPN STATUS TARGET CLIENT" of each request since the last look

=head1 DESCRIPTION

Without C<tls> it speaks h2c and HTTP/1.1 on plain TCP. PORT is that of the client's connection, so
that requests with the same one came on one connection. C<pki> makes a CA, certificates and keys in a
folder: C<ca>, C<server>, C<client>, C<other_ca>, C<stranger> (of the other CA), each a file name
without its ending: C<.pem> and C<.key>. It ends with the script, or after a quarter of an hour.

=cut

use strict;
use warnings;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(sleep time);
use GBA::CA qw(openssl);
use GBA::Site qw(site slurp spew);

# Why it cannot be had, or nothing.
sub missing {
    return if system('nghttpx --version >/dev/null 2>&1') == 0;
    return 'no nghttpx (Debian: nghttp2-proxy)';
}

# ---- certificates ----

sub authority {
    my ($dir, $name) = @_;
    openssl('', qw(req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 800 -subj), "/CN=$name",
        '-addext', 'basicConstraints=critical,CA:TRUE', '-keyout', "$dir/$name.key", '-out', "$dir/$name.pem");
    return "$dir/$name";
}

sub issued {
    my ($dir, $name, $ca, $extension) = @_;
    my $request = openssl('', qw(req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj), "/CN=$name",
        '-keyout', "$dir/$name.key");
    spew("$dir/$name.ext", "$extension\n");
    spew("$dir/$name.pem", openssl($request, qw(x509 -req -days 30 -CAcreateserial -CA), "$ca.pem", '-CAkey', "$ca.key",
        '-extfile', "$dir/$name.ext"));
    return "$dir/$name";
}

sub pki {
    my ($dir) = @_;
    mkdir $dir, 0755 or die "$dir: $!\n";
    my ($ca, $other) = map { authority($dir, $_) } qw(ca other-ca);
    my $here = 'subjectAltName=IP:127.0.0.1,DNS:localhost';
    my %pki  = (ca => $ca, other_ca => $other, server => issued($dir, 'server', $ca, $here),
        elsewhere => issued($dir, 'elsewhere', $ca, 'subjectAltName=DNS:elsewhere.home1.net'),
        client => issued($dir, 'client', $ca, 'extendedKeyUsage=clientAuth'),
        stranger => issued($dir, 'stranger', $other, 'extendedKeyUsage=clientAuth'));
    chmod 0600, glob "$dir/*.key";
    return \%pki;
}

# ---- its life ----

sub start {
    my ($class, $bsf, %option) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1, ReuseAddr => 1) or die "no free port: $@\n";
    my $self = bless { port => $listener->sockport, bsf => $bsf, at => 0, %option, owner => $$,
        dir => tempdir('front.XXXXXX', DIR => site()->{top} . '/run') }, $class;
    close $listener;
    $self->spawn;
    return $self;
}

sub command {
    my ($self) = @_;
    my $tls  = $self->{tls};
    my $back = $self->{bsf}{path} ? "unix:$self->{bsf}{path}" : '127.0.0.1,' . $self->{bsf}->port;
    return (qw(timeout --foreground 900 nghttpx --conf=/dev/null --single-process --no-ocsp), "-b$back",
        "-f127.0.0.1,$self->{port}" . ($tls ? '' : ';no-tls'), "--accesslog-file=$self->{dir}/log",
        '--accesslog-format=$remote_port $alpn $status $path $tls_client_subject_name', "--errorlog-file=$self->{dir}/errors",
        ($self->{clients} ? ('--verify-client', "--verify-client-cacert=$self->{clients}.pem") : ()),
        @{ $self->{options} || [] }, ($tls ? ("$tls.key", "$tls.pem") : ()));
}

sub spawn {
    my ($self) = @_;
    my @command = $self->command;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        open STDIN,  '<', '/dev/null' or POSIX::_exit(127);
        open STDOUT, '>>', "$self->{dir}/errors" or POSIX::_exit(127);
        open STDERR, '>&', \*STDOUT or POSIX::_exit(127);
        exec {$command[0]} @command or POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    my $until = time + 20;
    until (IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 2)) {
        die "nghttpx is not ready:\n" . slurp("$self->{dir}/errors") if time > $until || waitpid($pid, POSIX::WNOHANG());
        sleep 0.05;
    }
    return $self;
}

sub stop {
    my ($self) = @_;
    return unless $self->{pid} && $self->{owner} == $$;
    local ($?, $!, $@);
    kill 'TERM', $self->{pid} and waitpid $self->{pid}, 0;
    delete $self->{pid};
    return;
}

sub DESTROY { my ($self) = @_; return $self->stop }

sub port { return $_[0]{port} }
sub url  { my ($self) = @_; return ($self->{tls} ? 'https' : 'http') . "://127.0.0.1:$self->{port}" }

# What it logged of requests since the last look. It may log after it has answered: so many are waited for.
sub lines {
    my ($self, $least) = @_;
    my $until = time + 20;
    my @lines = $self->whole_lines;
    until (@lines >= ($least // 0) || time > $until) {
        sleep 0.02;
        @lines = $self->whole_lines;
    }
    $self->{at} += length for @lines;
    chomp @lines;
    return @lines;
}

sub whole_lines {
    my ($self) = @_;
    open my $file, '<', "$self->{dir}/log" or return;
    seek $file, $self->{at}, 0;
    return grep { /\n\z/ } <$file>;
}

1;
