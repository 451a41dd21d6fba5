# SPDX-License-Identifier: Apache-2.0
package GBA::BSF::Scene;

=head1 NAME

GBA::BSF::Scene - a portal that has its keys from a BSF, and UEs that bootstrapped there

=head1 SYNOPSIS

    my $bsf   = GBA::BSF->start;
    my $scene = GBA::BSF::Scene->start(bsf => $bsf, section => "GBABsfTimeout 1s 2s\n");
    my $ue    = $scene->ue([1]);                    # one that the portal does not know yet
    my $response = $scene->ask($ue);                # GET of a page behind AuthType GBA
    is(outcome($response), '200 protected');
    $scene->row('name', $response, wanted => '503 retry 7', tags => ['GBA0680'], says => qr/…/, calls => 1);

=head1 DESCRIPTION

Options of C<start>: C<bsf>; C<section>, text for its C<< <GBABsf> >>; C<sections>, text instead of the
whole section; C<source> (C<nbsp:home>), C<conf>, C<location> (text inside what is behind AuthType GBA)
and what L<GBA::Server> takes. C<outcome> says in words what a UE is told:
C<200 protected>, C<401 bootstrap>, C<401 stale>, C<403>, C<503 retry 30>. A challenge with anything but
401, and a 503 without a number of seconds, show there too.

=cut

use strict;
use warnings;
use Exporter qw(import);
use Test::More ();
use GBA::BSF qw(bootstrapped naf_view);
use GBA::CA qw(new_key pkcs10);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::UE;

our @EXPORT_OK = qw(outcome);

my $number = 0;

sub start {
    my ($class, %option) = @_;
    my $self = bless { bsf => delete $option{bsf}, page => '/docs/hello.txt' }, $class;
    # All may wait for the BSF: it is what is looked at here, not the keeper's share of threads.
    my $conf = join '', "GBAKeeperThreads 64\n", delete $option{sections} // $self->section(delete $option{section}),
        'GBAKeySource ', delete $option{source} // 'nbsp:home', "\n",
        qq(<LocationMatch "^/(docs|enrol)(/|\$)">\n), delete $option{location} // '', "</LocationMatch>\n", $option{conf} // '';
    $self->{server} = GBA::Server->start(children => 2, %option, conf => $conf);
    $self->{log} = GBA::Log->watch($self->{server}->error_log);
    $self->challenge;
    return $self;
}

sub section {
    my ($self, $more) = @_;
    return join '', "<GBABsf home>\nGBABsfDomain *\nGBABsfAddress ", $self->{bsf}->url, "\n",
        $self->{bsf}{path} ? () : "GBABsfProtocol http/1.1\n", $more // "GBABsfTimeout 2s 6s\n", "</GBABsf>\n";
}

sub server { return $_[0]{server} }
sub log    { return $_[0]{log} }
sub bsf    { return $_[0]{bsf} }

# A nonce, which is good for every UE: that a key has to be looked up is then the only thing that is open.
sub challenge {
    my ($self, $page) = @_;
    my $ue = GBA::UE->new({ btId => 'x', meKeyMaterial => '' }, port => $self->{server}->port);
    $ue->authenticate($page // $self->{page});
    $self->{challenge} = { map { $_ => $ue->{$_} } qw(realm nonce opaque) };
    $self->{log}->look;
    return $self->{challenge};
}

# A subscriber whom no portal knows yet.
sub subscriber {
    my ($self, $flags, %more) = @_;
    my $bsf = delete $more{bsf} // $self->{bsf};
    return $bsf->add(bootstrapped('zn-' . ++$number, $flags // [1], %more));
}

# And his UE. With a subscriber instead of flags: that one's.
sub ue {
    my ($self, $who, %more) = @_;
    my $ua = delete $more{ua};
    my $subscriber = ref $who eq 'HASH' ? $who : $self->subscriber($who, %more);
    return $self->ue_of(naf_view($subscriber, $ua), $subscriber);
}

# Many of them: the BSF is told once.
sub ues {
    my ($self, $many, %more) = @_;
    my @subscribers = map { bootstrapped('zn-' . ++$number, [1], %more) } 1 .. $many;
    $self->{bsf}->add(@subscribers);
    return map { $self->ue_of(naf_view($_), $_) } @subscribers;
}

sub ue_of {
    my ($self, $view, $subscriber) = @_;
    my $ue = GBA::UE->new($view, port => $self->{server}->port, %{ $self->{challenge} });
    $ue->{subscriber} = $subscriber;
    return $ue;
}

sub ask {
    my ($self, $ue, $page, %option) = @_;
    return $ue->exchange('GET', $page // $self->{page}, auth => {}, fresh => 1, %option);
}

sub enrol {
    my ($self, $ue, $page) = @_;
    my $body = $ue->{pkcs10} //= pkcs10(new_key('EC', 'P-256'));    # a key has one subscriber
    return $ue->exchange('POST', $page // '/enrol', auth => {}, fresh => 1, type => 'application/x-pkcs10', body => $body);
}

# ---- what a UE is told ----

sub outcome {
    my ($response) = @_;
    my @challenges = GBA::HTTP::field($response, 'WWW-Authenticate');
    my $text = $response->{status};
    $text .= (grep { /stale=true/ } @challenges) ? ' stale' : @challenges ? ' bootstrap' : ' bare' if $text == 401;
    $text .= ' challenged' if @challenges && $text !~ /\A401/;
    $text .= ' retry ' . (GBA::HTTP::field($response, 'Retry-After') // 'never') if $text =~ /\A503/;
    $text .= ' protected' if $response->{protected} == 1;
    return $text;
}

# One line of a table: what the UE was told, what the log says, how often the BSF was asked.
sub row {
    my ($self, $name, $response, %wanted) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::is(outcome($response), $wanted{wanted}, "$name: the UE is told");
    my @lines = $self->{log}->look;
    my @problems = GBA::Log::problems(\@lines, @{ $wanted{tags} || [] });
    Test::More::ok(!@problems, "$name: the log") or Test::More::diag(@problems);
    Test::More::like(join('', @lines), $wanted{says}, "$name: the log says why") if $wanted{says};
    return unless exists $wanted{calls};
    my $seen = $wanted{seen} // $self->{bsf}->look;
    return Test::More::is(scalar @{ $seen->{calls} }, $wanted{calls}, "$name: look-ups");
}

# After a row that hurt: the next UE is served as if nothing had been.
sub goes_on {
    my ($self, $name, %more) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $response = $self->ask($self->ue([1], %more));
    $self->{bsf}->look;
    return $self->row("$name: the next UE", $response, wanted => '200 protected');
}

sub finish {
    my ($self, @tags) = @_;
    $self->{server}->stop;
    return $self->{log}->finish(@tags);
}

1;
