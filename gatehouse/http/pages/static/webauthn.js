// The one script of the pages: it asks the browser for a passkey, which nothing else can do, and
// puts the answer into a form. Options come from the page, the form is sent as any other.

(() => {
  "use strict";

  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=+$/, "");

  const described = (list) => (list || []).map((item) => ({ ...item, id: bytes(item.id) }));

  const creating = (options) => ({
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: described(options.excludeCredentials),
  });

  const asking = (options) => ({
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: described(options.allowCredentials),
  });

  const answered = (credential) => {
    const given = credential.response;
    const response = { clientDataJSON: text(given.clientDataJSON) };
    if (given.attestationObject) {
      response.attestationObject = text(given.attestationObject);
      const known = ["usb", "nfc", "ble", "internal", "cable", "hybrid", "smart-card"];
      const transports = given.getTransports ? given.getTransports() : [];
      response.transports = transports.filter((name) => known.includes(name));
    } else {
      response.authenticatorData = text(given.authenticatorData);
      response.signature = text(given.signature);
      if (given.userHandle) response.userHandle = text(given.userHandle);
    }
    return JSON.stringify({
      type: "WebAuthn",
      id: credential.id,
      rawId: text(credential.rawId),
      response,
      clientExtensionResults: {},
    });
  };

  const form = document.querySelector("form[data-passkey]");
  if (!form) return;
  const options = JSON.parse(form.dataset.passkey);
  const button = form.querySelector("button");
  const trouble = document.getElementById("passkey-trouble");
  let waiting = null;

  const send = (credential) => {
    form.elements.credential.value = answered(credential);
    form.submit();
  };

  const failed = (error) => {
    if (error.name === "AbortError") return;
    const known = error.name === "InvalidStateError";
    trouble.textContent = known ? trouble.dataset.known : trouble.dataset.failed;
    trouble.hidden = false;
    button.disabled = false;
  };

  const run = async () => {
    if (waiting) waiting.abort();
    trouble.hidden = true;
    button.disabled = true;
    try {
      send(
        form.dataset.ceremony === "create"
          ? await navigator.credentials.create({ publicKey: creating(options) })
          : await navigator.credentials.get({ publicKey: asking(options) }),
      );
    } catch (error) {
      failed(error);
    }
  };

  const fillIn = async () => {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    waiting = new AbortController();
    navigator.credentials
      .get({ publicKey: asking(options), mediation: "conditional", signal: waiting.signal })
      .then(send)
      .catch(() => {});
  };

  if (!window.PublicKeyCredential) {
    trouble.textContent = trouble.dataset.absent;
    trouble.hidden = false;
    return;
  }
  button.hidden = "autofillOnly" in form.dataset;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
  if ("autofill" in form.dataset) fillIn();
})();
