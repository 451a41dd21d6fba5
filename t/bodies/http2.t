# SPDX-License-Identifier: Apache-2.0
# Request bodies over HTTP/2: with and without a length they are the same to the handler (mod_http2
# says "chunked" of the latter, which is no Transfer-Encoding of a peer); trailers are refused.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Digest::SHA qw(sha256_hex);
use Test::More;
use GBA::CA qw(subscriber);
use GBA::Digest qw(info_value);
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site spew);
use GBA::UE;

plan skip_all => 'no nghttp (Debian: nghttp2-client)' if qx{nghttp --version 2>/dev/null} !~ /nghttp2/;
plan skip_all => 'mod_http2 does not serve prefork' if ($ENV{GBA_MPM} // '') eq 'prefork';

my $server = GBA::Server->start(children => 1, threads => 16, modules => [qw(http2 cgid)], conf => <<"END");
Protocols h2c http/1.1
ScriptSock cgisock
ScriptAlias /handler "@{[ site()->{top} ]}/t/cgi/echo.pl"
<Location "/handler">
    AuthType GBA
    Require valid-user
</Location>
END
my $ue = GBA::UE->new(subscriber('bodies'), port => $server->port);
$ue->authenticate('/handler');
my $log = GBA::Log->watch($server->error_log);

# One request: status, and whether it is protected as it must be, which tells what the script said too.
sub upload {
    my ($body, @options) = @_;
    my $file    = spew(site()->{tmp} . "/upload.$$", $body);
    my $context = $ue->context('POST', '/handler', $body, {});
    my $said = join '', map { "'$_' " } @options, '-d', $file, '-H', 'Authorization: ' . GBA::UE::credentials($context);
    my $url  = 'http://127.0.0.1:' . $server->port . '/handler';
    my $text = qx{nghttp -v --timeout=20 $said '$url' 2>&1};
    unlink $file;
    my ($status) = $text =~ /recv \(stream_id=\d+\) :status: (\d+)/;
    my ($info)   = $text =~ /recv \(stream_id=\d+\) authentication-info: (.*)/;
    my $wanted = sprintf "length=%d sha256=%s\n", length $body, sha256_hex($body);
    return ($status // 'none') . ' 0' unless defined $info;
    return "$status " . ($info eq info_value(%$context, body => $wanted) ? 1 : -1);
}

for my $size (1, 8192, 70_000, 500_000) {
    my $body = join '', map { sprintf '%08x', $_ } 1 .. ($size + 7) / 8;
    is(upload($body), '200 1', "$size octets, with a length");
    is(upload($body, '--no-content-length'), '200 1', "$size octets, without a length");
    $log->holds("$size octets");
}
is(upload('hello', '--trailer=x-late: 1'), '400 0', 'a trailer: refused, unprotected');
$log->holds('a trailer', 'GBA0635');
is(upload('hello'), '200 1', 'afterwards all is well');

$server->stop;
$log->finish;
done_testing;
