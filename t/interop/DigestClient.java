/* SPDX-License-Identifier: Apache-2.0 */
/* Apache HttpClient 5 as a UE. Arguments: base URI, then for each request its method, its target
 * and, for a POST, the file of its body. The first two lines of standard input are username and
 * password. One line of output for each request: status, Authorization, Authentication-Info and
 * the body in base64, by tabs. */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import org.apache.hc.client5.http.auth.AuthScope;
import org.apache.hc.client5.http.auth.UsernamePasswordCredentials;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.client5.http.impl.auth.BasicCredentialsProvider;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.io.entity.ByteArrayEntity;
import org.apache.hc.core5.http.io.entity.EntityUtils;

public class DigestClient {
    private static String value(Header header) {
        return header == null ? "none" : header.getValue();
    }

    private static String send(CloseableHttpClient client, HttpUriRequestBase request) throws Exception {
        HttpClientContext context = HttpClientContext.create();
        return client.execute(request, context, response -> {
            byte[] body = response.getEntity() == null ? new byte[0] : EntityUtils.toByteArray(response.getEntity());
            return response.getCode() + "\t" + value(context.getRequest().getFirstHeader("Authorization")) + "\t"
                + value(response.getFirstHeader("Authentication-Info")) + "\t" + Base64.getEncoder().encodeToString(body);
        });
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        BasicCredentialsProvider provider = new BasicCredentialsProvider();
        provider.setCredentials(new AuthScope(null, -1),
            new UsernamePasswordCredentials(in.readLine(), in.readLine().toCharArray()));
        try (CloseableHttpClient client = HttpClients.custom().setDefaultCredentialsProvider(provider).build()) {
            for (int i = 1; i < arguments.length; ) {
                String method = arguments[i++];
                HttpUriRequestBase request = new HttpUriRequestBase(method, URI.create(arguments[0] + arguments[i++]));
                if (method.equals("POST"))
                    request.setEntity(new ByteArrayEntity(Files.readAllBytes(Path.of(arguments[i++])),
                        ContentType.create("application/x-pkcs10")));
                System.out.println(send(client, request));
            }
        }
    }
}
