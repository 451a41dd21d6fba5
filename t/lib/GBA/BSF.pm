# SPDX-License-Identifier: Apache-2.0
package GBA::BSF;

=head1 NAME

GBA::BSF - a BSF that answers Nbsp_GBA (TS 29.309), rightly or as it is told

=head1 SYNOPSIS

    my $one = bootstrapped('one', [1]);                    # what a UE and a BSF have in common
    my $bsf = GBA::BSF->start(subscribers => [$one]);      # or path => '/…/bsf.sock'
    ... "GBAKeySource nbsp:" . $bsf->url ...
    my $ue  = GBA::UE->new(naf_view($one), port => $port);
    $bsf->next({ status => 503, fields => [['Retry-After', 7]] });
    $bsf->always({ delay => 1 });
    $bsf->rightly;
    my @calls = $bsf->calls;                               # since the last look
    $bsf->stop; $bsf->spawn; $bsf->kill;

=head1 DESCRIPTION

A process of its own (L<GBA::BSF::Server>) that ends with the script. It derives the key of whatever
NAF_Id it is asked for from Ks, as a BSF does (TS 33.220 4.5.3), and gives the user security settings
of the GAA services that were asked for.

C<next> queues answers, each for one look-up; C<always> is for all others. An answer is a hash, of what
differs from the right answer:

  status, type, fields    of the response; a list of [name, value]
  body                    a text, or a list of texts and [text, times]; %KEY% in it is the right key
  with, without           members of the right object that are put in or left out
  octets                  the whole response as it goes on the wire
  delay                   seconds before it
  cut, hang               so many octets of it only, and the connection ends; or nothing comes any more
  close                   the connection ends after it
  chunked, drip           the body in chunks; seconds between them

C<settings> changes what the subscribers' entries say: C<< settings($subscriber, impi => undef, …) >>.
C<tokens> makes it want OAuth2 tokens, which it gives at /oauth2/token (RFC 6749 4.4):
C<< tokens(id => 'naf', secret => '…', scope => 'nbsp-gba', lives => 3600) >>. C<revoke> forgets all
tokens, C<next_token> queues answers of the token endpoint. C<look> tells all: C<calls> (a list of
method, target, fields, body, at, connection), C<tokens> (the same of the token endpoint),
C<connections> (accepted since it was started), C<open>, C<peak> (look-ups under way at once).

=cut

use strict;
use warnings;
use Exporter qw(import);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Socket qw(AF_UNIX PF_UNSPEC SOCK_STREAM);
use GBA::BSF::Server;
use GBA::CA;
use GBA::KDF qw(naf_key);
use GBA::Site qw(site spew);

our @EXPORT_OK = qw(bootstrapped naf_view);

my $json = JSON::PP->new->canonical->ascii;
my $home = 'pkiportal.home1.net';

# ---- subscribers ----

# A bootstrapping that took place: Ks, its B-TID and what the BSF tells of the subscriber. More
# members replace these; one that is undef goes. C<domain> is that of the B-TID.
sub bootstrapped {
    my ($name, $flags, %more) = @_;
    my $rand   = GBA::CA::random_octets(16);
    my $domain = delete $more{domain} // 'bsf.home1.net';
    my $entry  = GBA::CA::entry($name, $flags, btId => encode_base64($rand, '') . "\@$domain", %more);
    delete @{$entry}{qw(nafId meKeyMaterial)};
    return { %$entry, ks => unpack('H*', GBA::CA::random_octets(32)), rand => unpack('H*', $rand),
        derives_by => $entry->{impi} // 'nobody@home1.net' };
}

# Ks_NAF in hex.
sub key_of {
    my ($subscriber, $fqdn, $ua) = @_;
    return unpack 'H*', naf_key(ks => pack('H*', $subscriber->{ks}), rand => pack('H*', $subscriber->{rand}),
        impi => $subscriber->{derives_by}, naf => $fqdn, ua => $ua);
}

# What the UE needs of it for one NAF_Id.
sub naf_view {
    my ($subscriber, $ua, $fqdn) = @_;
    $fqdn //= $home;
    $ua   //= '0100000000';
    return { name => $subscriber->{name}, btId => $subscriber->{btId}, nafId => { nafFqdn => $fqdn, uaSecProtId => $ua },
        meKeyMaterial => key_of($subscriber, $fqdn, $ua) };
}

# ---- its life ----

sub start {
    my ($class, %option) = @_;
    my $self = bless { subscribers => [], state => {}, %option, owner => $$ }, $class;
    my $listener = $self->listener;
    $self->{port} //= $listener->sockport unless $self->{path};
    $self->{state}{subscribers} = { map { $_->{btId} => $_ } @{ $self->{subscribers} } };
    $self->{dir} = tempdir('bsf.XXXXXX', DIR => site()->{top} . '/run');
    return $self->write_keys->run_on($listener);
}

# What the search for leaks looks for.
sub write_keys {
    my ($self) = @_;
    spew("$self->{dir}/keys.json", $json->encode([map { naf_view($_) } @{ $self->{subscribers} }]), 0600);
    return $self;
}

# At the port or path that it had before, if it had one.
sub listener {
    my ($self) = @_;
    if (my $path = $self->{path}) {
        unlink $path;
        my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 512) or die "$path: $!\n";
        chmod 0666, $path or die "$path: $!\n";
        return $listener;
    }
    return IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $self->{port} // 0, Listen => 512, ReuseAddr => 1)
        // die "no port on 127.0.0.1: $@\n";
}

# The child knows that the script has gone by the end of the control socket.
sub run_on {
    my ($self, $listener) = @_;
    socketpair my $ours, my $its, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die "socketpair: $!\n";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        close $ours;
        local @SIG{qw(TERM INT HUP)} = ('DEFAULT') x 3;
        # It knows what it knew before it is asked for the first time.
        eval { GBA::BSF::Server->new($listener, $its, $self->{state})->run; 1 } or print STDERR "# BSF: $@";
        POSIX::_exit(0);
    }
    close $its;
    @{$self}{qw(pid control)} = ($pid, $ours);
    return $self;
}

sub spawn { my ($self) = @_; return $self->run_on($self->listener) }

sub end {
    my ($self, $signal) = @_;
    return unless $self->{pid} && $self->{owner} == $$;
    local ($?, $!, $@);
    kill $signal, $self->{pid} and waitpid $self->{pid}, 0;
    close $self->{control};
    delete @{$self}{qw(pid control)};
    return;
}

sub stop    { my ($self) = @_; return $self->end('TERM') }
sub kill    { my ($self) = @_; return $self->end('KILL') }
sub DESTROY { my ($self) = @_; return $self->end('TERM') }

# ---- where it is ----

sub port { return $_[0]{port} }
sub url  { my ($self) = @_; return $self->{path} ? "unix:$self->{path}" : "http://127.0.0.1:$self->{port}" }

# ---- what it is told and asked ----

sub tell {
    my ($self, %command) = @_;
    my $control = $self->{control} // die "the BSF is not running\n";
    my $line    = $json->encode(\%command) . "\n";
    syswrite $control, substr $line, 0, 65536, '' while length $line;
    defined(my $answer = readline $control) or die "the BSF has gone\n";
    return $json->decode($answer);
}

# What holds until it is told otherwise, over its own restarts too.
sub set {
    my ($self, %state) = @_;
    $self->{state} = { %{ $self->{state} }, %state };
    return $self->tell(set => \%state);
}

sub always     { my ($self, $answer)  = @_; return $self->set(always => $answer) }
sub next       { my ($self, @answers) = @_; return $self->tell(set => { next => \@answers }) }
sub next_token { my ($self, @answers) = @_; return $self->tell(set => { next_token => \@answers }) }
sub rightly    { my ($self) = @_; return $self->set(always => undef, next => []) }
sub tokens     { my ($self, %option) = @_; return $self->set(oauth => %option ? \%option : undef) }
sub revoke     { my ($self) = @_; return $self->tell(revoke => 1) }

# An answer for one subscriber's look-ups alone.
sub always_of {
    my ($self, $subscriber, $answer) = @_;
    $self->{state}{of}{ $subscriber->{btId} } = $answer;
    return $self->set(of => $self->{state}{of});
}

sub settings {
    my ($self, $subscriber, %members) = @_;
    my $known = $self->{state}{subscribers};
    my %entry = (%{ $known->{ $subscriber->{btId} } // $subscriber }, %members);
    delete $entry{$_} for grep { !defined $entry{$_} } keys %entry;
    $known->{ $subscriber->{btId} } = \%entry;
    return $self->set(subscribers => $known);
}

# More subscribers, while it runs.
sub add {
    my ($self, @more) = @_;
    push @{ $self->{subscribers} }, @more;
    $self->{state}{subscribers}{ $_->{btId} } = $_ for @more;
    $self->write_keys->set(subscribers => $self->{state}{subscribers});
    return $more[0];
}

sub forget {
    my ($self, $subscriber) = @_;
    delete $self->{state}{subscribers}{ $subscriber->{btId} };
    return $self->set(subscribers => $self->{state}{subscribers});
}

sub look  { my ($self) = @_; return $self->tell(look => 1) }
sub calls { my ($self) = @_; return @{ $self->look->{calls} } }

1;
