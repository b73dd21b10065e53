// Writes newsletter/compose/data/mjml.json anew from npm's mjml, in a temporary folder:
//   npm install mjml-core mjml-preset-core && node …/docs/dump_mjml_schema.cjs > …/newsletter/compose/data/mjml.json
const load = (name) => require(require.resolve(name, { paths: [process.cwd()] }));
const { components, dependencies } = load("mjml-preset-core");
const { version } = load("mjml-core/package.json");
const colours = load("mjml-core/lib/types/helpers/colors.js");

const schema = {
  name: "mjml-core, mjml-preset-core",
  version,
  date: process.argv[2] || new Date().toISOString().slice(0, 10),
  licence: "MIT, Copyright (c) 2016 Mailjet SAS, https://mjml.io",
  colours,
  components: {},
};
for (const each of components) {
  schema.components[each.componentName] = {
    attributes: each.allowedAttributes || {},
    children: (dependencies[each.componentName] || []).filter((child) => typeof child === "string"),
    // What an "ending" tag holds is HTML, and no MJML.
    html: Boolean(each.endingTag),
  };
}
process.stdout.write(`${JSON.stringify(schema, null, 1)}\n`);
