// Asks reCAPTCHA what it thinks of the person, without asking the person, and sends the form on.
"use strict";

const form = document.querySelector("form[data-captcha]");
const answer = form.elements["g-recaptcha-response"];

form.addEventListener("submit", (event) => {
  if (answer.value) return;
  event.preventDefault();
  const recaptcha = globalThis.grecaptcha.enterprise;
  recaptcha.ready(async () => {
    answer.value = await recaptcha.execute(form.dataset.captcha, { action: "interaction" });
    form.requestSubmit();
  });
});
