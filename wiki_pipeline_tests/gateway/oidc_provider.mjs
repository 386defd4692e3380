// npm's `oidc-provider` as an identity provider on loopback, for `login_second_opinion`.
// Arguments: the folder that it is installed in, port, the redirect addresses of the client, where to go after logout.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, port, redirect, back] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${folder}/x.js`));
const { default: Provider } = await import(pathToFileURL(require.resolve("oidc-provider")).href);

const client = (id) => ({
  client_id: id,
  client_secret: `secret-of-${id}`,
  redirect_uris: [redirect],
  post_logout_redirect_uris: [back],
  grant_types: ["authorization_code"],
  response_types: ["code"],
});
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [client("wiki"), client("another")],
  pkce: { required: () => true, methods: ["S256"] },
  claims: { email: ["email", "email_verified"], profile: ["name"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: `${id} of npm`, email: `${id}@example.org`, email_verified: true }),
  }),
  features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  cookies: { keys: ["of the test"] },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("listening"));
