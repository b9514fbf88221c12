// A program that runs npm's `@logto/api` against a server: each kind of resource is created, read,
// listed, updated and deleted through the typed client, and is gone in the end. It prints a report:
// for each kind, the steps that went well, or what the server said instead.
import { createManagementApi } from '@logto/api/management';

const settings = JSON.parse(process.argv[2]);
const { apiClient } = createManagementApi('default', {
  clientId: settings.client_id,
  clientSecret: settings.client_secret,
  baseUrl: settings.origin,
  apiIndicator: 'https://default.logto.app/api',
});

class Unexpected extends Error {}

const call = async (method, path, options = {}) => {
  const { data, error, response } = await apiClient[method](path, options);
  if (!response.ok) {
    throw new Unexpected(`${method} ${path}: ${response.status} ${JSON.stringify(error)}`);
  }
  return data;
};
const at = (path, query) => ({ params: { path, query } });
const tag = Date.now().toString(36);

const made = {};
/** What other kinds need: a user, a role, and so on, which live until the end. */
const prepare = async () => {
  made.user = await call('POST', '/api/users', {
    body: { username: `owner_${tag}`, primaryEmail: `owner-${tag}@example.com` },
  });
  made.application = await call('POST', '/api/applications', {
    body: { name: 'Owner', type: 'MachineToMachine' },
  });
  made.resource = await call('POST', '/api/resources', {
    body: { name: 'Owner', indicator: `https://owner-${tag}.example` },
  });
  made.organization = await call('POST', '/api/organizations', { body: { name: 'Owner' } });
};

/**
 * Each kind: the collection's path, what is created, how one is named in a path, and an update
 * with its method. `one` is the path of one; `list: false` where there is no list; `gone` is the
 * answer to deleting it again.
 */
const kinds = {
  users: {
    path: '/api/users',
    body: () => ({ username: `made_${tag}`, password: 'a-Long-password-7' }),
    one: '/api/users/{userId}',
    name: (it) => ({ userId: it.id }),
    update: ['PATCH', { name: 'Ada' }],
  },
  applications: {
    path: '/api/applications',
    body: () => ({ name: 'Site', type: 'SPA' }),
    one: '/api/applications/{id}',
    update: ['PATCH', { name: 'Shop' }],
  },
  applicationSecrets: {
    path: '/api/applications/{id}/secrets',
    owner: () => ({ id: made.application.id }),
    body: () => ({ name: 'second', expiresAt: null }),
    one: '/api/applications/{id}/secrets/{name}',
    name: (it) => ({ id: made.application.id, name: it.name }),
    update: ['PATCH', { name: 'third' }],
    renamed: (it) => ({ id: made.application.id, name: 'third' }),
    read: false,
  },
  roles: {
    path: '/api/roles',
    body: () => ({ name: `role-${tag}`, description: 'A role' }),
    one: '/api/roles/{id}',
    update: ['PATCH', { description: 'The role' }],
  },
  resources: {
    path: '/api/resources',
    body: () => ({ name: 'Api', indicator: `https://api-${tag}.example` }),
    one: '/api/resources/{id}',
    update: ['PATCH', { accessTokenTtl: 900 }],
  },
  scopes: {
    path: '/api/resources/{resourceId}/scopes',
    owner: () => ({ resourceId: made.resource.id }),
    body: () => ({ name: 'read', description: 'Reads' }),
    one: '/api/resources/{resourceId}/scopes/{scopeId}',
    name: (it) => ({ resourceId: made.resource.id, scopeId: it.id }),
    update: ['PATCH', { description: 'May read' }],
    read: false,
  },
  organizations: {
    path: '/api/organizations',
    body: () => ({ name: 'Acme' }),
    one: '/api/organizations/{id}',
    update: ['PATCH', { description: 'Anvils' }],
  },
  organizationRoles: {
    path: '/api/organization-roles',
    body: () => ({ name: `member-${tag}`, organizationScopeIds: [], resourceScopeIds: [] }),
    one: '/api/organization-roles/{id}',
    update: ['PATCH', { description: 'Belongs' }],
  },
  organizationScopes: {
    path: '/api/organization-scopes',
    body: () => ({ name: `invite-${tag}` }),
    one: '/api/organization-scopes/{id}',
    update: ['PATCH', { description: 'May invite' }],
  },
  organizationInvitations: {
    path: '/api/organization-invitations',
    body: () => ({
      invitee: 'guest@example.com',
      organizationId: made.organization.id,
      expiresAt: Date.now() + 3_600_000,
      messagePayload: false,
    }),
    one: '/api/organization-invitations/{id}',
    update: ['PUT', { status: 'Revoked' }, '/api/organization-invitations/{id}/status'],
  },
  hooks: {
    path: '/api/hooks',
    body: () => ({
      name: 'Hook',
      events: ['User.Created'],
      config: { url: 'https://hooks.example/in' },
    }),
    one: '/api/hooks/{id}',
    update: ['PATCH', { enabled: false }],
  },
  connectors: {
    path: '/api/connectors',
    body: () => ({
      connectorId: 'http-email',
      config: { endpoint: 'https://mail.example/send', authorization: 'Bearer x' },
    }),
    one: '/api/connectors/{id}',
    update: ['PATCH', { config: { endpoint: 'https://mail.example/other' } }],
  },
  ssoConnectors: {
    path: '/api/sso-connectors',
    body: () => ({ providerName: 'OIDC', connectorName: `sso-${tag}`, domains: [] }),
    one: '/api/sso-connectors/{id}',
    update: ['PATCH', { domains: [`corp-${tag}.example`] }],
  },
  customProfileFields: {
    path: '/api/custom-profile-fields',
    body: () => ({ name: 'nickname', type: 'Text', label: 'Nickname', required: false, config: {} }),
    one: '/api/custom-profile-fields/{name}',
    name: (it) => ({ name: it.name }),
    update: ['PUT', { type: 'Text', label: 'Called', required: true, config: {} }],
  },
  customPhrases: {
    path: '/api/custom-phrases/{languageTag}',
    create: 'PUT',
    owner: () => ({ languageTag: 'fr' }),
    body: () => ({ action: { sign_in: 'Entrer' } }),
    one: '/api/custom-phrases/{languageTag}',
    name: () => ({ languageTag: 'fr' }),
    update: ['PUT', { action: { sign_in: 'Ouvrir' } }],
    listPath: '/api/custom-phrases',
  },
  emailTemplates: {
    path: '/api/email-templates',
    create: 'PUT',
    body: () => ({
      templates: [
        { languageTag: 'en', templateType: 'SignIn', details: { subject: 'Hi', content: '{{code}}' } },
      ],
    }),
    made: (it) => it[0],
    one: '/api/email-templates/{id}',
    update: [
      'PATCH',
      { subject: 'Hello' },
      '/api/email-templates/{id}/details',
    ],
  },
  captchaProvider: {
    path: '/api/captcha-provider',
    create: 'PUT',
    body: () => ({ config: { type: 'Turnstile', siteKey: 'site', secretKey: 'secret' } }),
    one: '/api/captcha-provider',
    name: () => ({}),
    update: ['PUT', { config: { type: 'Turnstile', siteKey: 'other', secretKey: 'secret' } }],
    list: false,
    gone: 204,
  },
  domains: {
    path: '/api/domains',
    body: () => ({ domain: `sign-in-${tag}.example.com` }),
    one: '/api/domains/{id}',
  },
  oneTimeTokens: {
    path: '/api/one-time-tokens',
    body: () => ({ email: 'guest@example.com' }),
    one: '/api/one-time-tokens/{id}',
    update: ['PUT', { status: 'revoked' }, '/api/one-time-tokens/{id}/status'],
  },
  personalAccessTokens: {
    path: '/api/users/{userId}/personal-access-tokens',
    owner: () => ({ userId: made.user.id }),
    body: () => ({ name: 'cli', expiresAt: null }),
    one: '/api/users/{userId}/personal-access-tokens/{name}',
    name: (it) => ({ userId: made.user.id, name: it.name }),
    update: ['PATCH', { name: 'shell' }],
    renamed: () => ({ userId: made.user.id, name: 'shell' }),
    read: false,
  },
  samlApplications: {
    path: '/api/saml-applications',
    body: () => ({ name: 'Intranet' }),
    one: '/api/saml-applications/{id}',
    update: ['PATCH', { name: 'Wiki' }],
    list: false,
  },
  jwtCustomizers: {
    path: '/api/configs/jwt-customizer/{tokenTypePath}',
    create: 'PUT',
    owner: () => ({ tokenTypePath: 'access-token' }),
    body: () => ({ script: 'const getCustomJwtClaims = async () => ({ a: 1 });' }),
    one: '/api/configs/jwt-customizer/{tokenTypePath}',
    name: () => ({ tokenTypePath: 'access-token' }),
    update: ['PATCH', { script: 'const getCustomJwtClaims = async () => ({ a: 2 });' }],
    listPath: '/api/configs/jwt-customizer',
  },
};

const exercise = async (kind) => {
  const steps = [];
  const owner = kind.owner?.() ?? {};
  const created = await call(kind.create ?? 'POST', kind.path, { ...at(owner), body: kind.body() });
  const it = kind.made ? kind.made(created) : created;
  steps.push('create');
  let name = kind.name ? kind.name(it) : { id: it.id };
  if (kind.read !== false) {
    await call('GET', kind.one, at(name));
    steps.push('read');
  }
  if (kind.list !== false) {
    const listed = await call('GET', kind.listPath ?? kind.path, at(owner));
    if (!Array.isArray(listed) || listed.length === 0) throw new Unexpected('the list is empty');
    steps.push('list');
  }
  if (kind.update) {
    const [method, body, path] = kind.update;
    await call(method, path ?? kind.one, { ...at(name), body });
    name = kind.renamed ? kind.renamed(it) : name;
    steps.push('update');
  }
  await call('DELETE', kind.one, at(name));
  const again = await apiClient.DELETE(kind.one, at(name));
  if (again.response.status !== (kind.gone ?? 404)) throw new Unexpected(`gone, yet ${again.response.status}`);
  steps.push('delete');
  return steps;
};

/** What there is one of: it is read and changed, and never made or deleted. */
const singles = {
  signInExperience: ['/api/sign-in-exp', 'PATCH', { signInMode: 'SignInAndRegister' }],
  accountCenter: ['/api/account-center', 'PATCH', { enabled: true }],
  adminConsole: ['/api/configs/admin-console', 'PATCH', { signInExperienceCustomized: true }],
  idToken: ['/api/configs/id-token', 'PUT', { enabledExtendedClaims: ['roles'] }],
};

const report = {};
const noted = async (name, work) => {
  try {
    report[name] = await work();
  } catch (error) {
    if (!(error instanceof Unexpected)) throw error;
    report[name] = error.message;
  }
};
await prepare();
for (const [name, kind] of Object.entries(kinds)) await noted(name, () => exercise(kind));
for (const [name, [path, method, body]] of Object.entries(singles)) {
  await noted(name, async () => {
    await call(method, path, { body });
    await call('GET', path);
    return ['update', 'read'];
  });
}
process.stdout.write(`${JSON.stringify({ report })}\n`);
