// Reads JSON lines {secret, headers, body} and tells of each what the package standardwebhooks makes
// of it: "ok", or why it refuses.
const { Webhook } = require("standardwebhooks");

const lines = require("fs").readFileSync(0, "utf8").split("\n").filter(Boolean);
for (const line of lines) {
  const { secret, headers, body } = JSON.parse(line);
  try {
    new Webhook(secret).verify(body, headers);
    console.log("ok");
  } catch (error) {
    console.log(error.message);
  }
}
