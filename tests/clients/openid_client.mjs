// A program that signs its user in with npm's `openid-client`: discovery, authorization code with
// PKCE, userinfo, refresh, introspection, revocation, RP-initiated logout. It asks whoever runs it
// to be the user's browser, as logto_sdk.py does.
import { createInterface } from 'node:readline';
import * as oidc from 'openid-client';

const settings = JSON.parse(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const tell = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const visit = async (url) => {
  tell({ visit: url.href });
  return new URL(JSON.parse((await lines.next()).value).arrived);
};

const authentication = settings.client_secret
  ? oidc.ClientSecretBasic(settings.client_secret)
  : oidc.None();
const config = await oidc.discovery(
  new URL(`${settings.origin}/oidc`),
  settings.client_id,
  undefined,
  authentication,
  { execute: [oidc.allowInsecureRequests] },
);

const codeVerifier = oidc.randomPKCECodeVerifier();
const state = oidc.randomState();
const nonce = oidc.randomNonce();
const callback = await visit(
  oidc.buildAuthorizationUrl(config, {
    redirect_uri: settings.redirect_uri,
    scope: 'openid offline_access profile email read',
    resource: settings.resource,
    prompt: 'consent',
    code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  }),
);
const tokens = await oidc.authorizationCodeGrant(config, callback, {
  pkceCodeVerifier: codeVerifier,
  expectedState: state,
  expectedNonce: nonce,
  idTokenExpected: true,
});
const { sub } = tokens.claims();
const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, sub);
const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token, {
  resource: settings.resource,
});
const access = JSON.parse(Buffer.from(refreshed.access_token.split('.')[1], 'base64url'));
const known = await oidc.tokenIntrospection(config, refreshed.refresh_token);
await oidc.tokenRevocation(config, refreshed.refresh_token);
const revoked = await oidc.tokenIntrospection(config, refreshed.refresh_token);
tell({
  report: {
    sub,
    username: userinfo.username,
    email: userinfo.email,
    audience: access.aud,
    scope: access.scope,
    rotated: refreshed.refresh_token !== tokens.refresh_token,
    active: [known.active, revoked.active],
  },
});
await visit(
  oidc.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: settings.goodbye,
  }),
);
process.exit(0);
