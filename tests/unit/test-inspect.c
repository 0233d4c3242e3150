/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of a component: everything comes from its one table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "plugin/manifest/inspect.h"

static const adze_param params[] = {
  { .name = "on", .type = ADZE_PARAM_BOOL, .preset = "true", .help = "whether at all" },
  { .name = "epochs", .type = ADZE_PARAM_INT, .range = "[1, 9223372036854775807]",
    .help = "rounds." },
  { .name = "sparsity", .type = ADZE_PARAM_FLOAT, .preset = "0.5", .range = "(0, 1)",
    .unit = "share", .since = "1.1.0", .help = "what becomes zero" },
  { .name = "limit", .type = ADZE_PARAM_FLOAT, .preset = "inf", .range = "[-1, inf]",
    .help = ".5 of it is 'a' \"b\" \\c ~ d-e" },
  { .name = "scope", .type = ADZE_PARAM_CHOICE, .preset = "global",
    .choices = "global|per-tensor|channel", .help = "m\xc3\xa4\xc3\x9f" },
  { .name = "notes", .type = ADZE_PARAM_FILE, .preset = "", .help = "a file" },
  { .name = "codec", .type = ADZE_PARAM_COMPONENT, .component_kind = "codec", .preset = "int8",
    .help = "how" },
  { .name = "sizes", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_INT, .range = "[0, 9]",
    .preset = "[1, 2]", .help = "how many" },
  { .name = "layers", .type = ADZE_PARAM_MAP, .item = ADZE_PARAM_CHOICE, .choices = "a|b",
    .help = "which" },
};

static const adze_manifest_component component
    = { .kind = (char *)"technique",
        .kind_revision = 1,
        .id = (char *)"prune-all",
        .summary = (char *)"takes away",
        .threading = ADZE_THREADS_PARALLEL,
        .effect = ADZE_CHANGES,
        .params = (adze_param *)params,
        .param_count = ADZE_COUNT_OF (params) };

static const adze_manifest manifest = { .id = (char *)"prune",
                                        .version = (char *)"1.2.0",
                                        .summary = (char *)"s",
                                        .license = (char *)"MIT",
                                        .file = (char *)"prune.so",
                                        .abi_minor = 1,
                                        .components = (adze_manifest_component *)&component,
                                        .component_count = 1 };

static char *
json_of (const adze_value *value)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_json_write (value, 0, &text);
  char *result;
  assert_null (adze_buffer_finish (&text, &result));
  return result;
}

static void
test_value (void **state)
{
  (void)state;
  ADZE_AUTO_VALUE value = adze_inspect_value (&manifest, &component);
  assert_non_null (value);
  assert_string_equal (adze_value_get (value, "id")->string, "prune-all");
  assert_string_equal (adze_value_get (value, "threading")->string, "parallel");
  const adze_value *plugin = adze_value_get (value, "plugin");
  assert_string_equal (adze_value_get (plugin, "license")->string, "MIT");
  assert_false (adze_value_get (plugin, "foreign")->boolean);
  assert_null (adze_value_get (plugin, "digest"));
  const adze_value *list = adze_value_get (value, "param");
  assert_int_equal (list->count, ADZE_COUNT_OF (params));
  ADZE_AUTO_FREE char *third = json_of (list->items[2]);
  assert_string_equal (third, "{\"name\": \"sparsity\", \"type\": \"float\", \"default\": 0.5, "
                              "\"range\": \"(0, 1)\", \"unit\": \"share\", \"since\": \"1.1.0\", "
                              "\"help\": \"what becomes zero\"}");
  /* It declares none, and so has those of every technique that changes. */
  ADZE_AUTO_FREE char *ports = json_of (adze_value_get (value, "port"));
  assert_non_null (strstr (ports, "\"direction\": \"out\""));
}

static void
test_schema (void **state)
{
  (void)state;
  static const char *const properties[][2] = {
    { "on", "{\"description\": \"whether at all\", \"type\": \"boolean\", \"default\": true}" },
    { "epochs", "{\"description\": \"rounds.\", \"type\": \"integer\", \"minimum\": 1, "
                "\"maximum\": 9223372036854775807}" },
    { "sparsity", "{\"description\": \"what becomes zero (share)\", \"type\": \"number\", "
                  "\"exclusiveMinimum\": 0.0, \"exclusiveMaximum\": 1.0, \"default\": 0.5}" },
    { "limit", "{\"description\": \".5 of it is 'a' \\\"b\\\" \\\\c ~ d-e\", \"type\": \"number\", "
               "\"minimum\": -1.0}" },
    { "notes", "{\"description\": \"a file\", \"type\": \"string\", \"default\": \"\"}" },
    { "codec", "{\"description\": \"how\", \"anyOf\": [{\"type\": \"string\"}, {\"type\": "
               "\"object\", \"properties\": {\"use\": {\"type\": \"string\"}}, \"required\": "
               "[\"use\"]}], \"default\": \"int8\"}" },
    { "sizes", "{\"description\": \"how many\", \"type\": \"array\", \"items\": {\"type\": "
               "\"integer\", \"minimum\": 0, \"maximum\": 9}, \"default\": [1, 2]}" },
    { "layers", "{\"description\": \"which\", \"type\": \"object\", \"additionalProperties\": "
                "{\"type\": \"string\", \"enum\": [\"a\", \"b\"]}}" },
  };
  ADZE_AUTO_VALUE schema = adze_inspect_schema (&component);
  assert_non_null (schema);
  assert_string_equal (adze_value_get (schema, "$schema")->string,
                       "https://json-schema.org/draft/2020-12/schema");
  assert_string_equal (adze_value_get (schema, "type")->string, "object");
  assert_false (adze_value_get (schema, "additionalProperties")->boolean);
  ADZE_AUTO_FREE char *required = json_of (adze_value_get (schema, "required"));
  assert_string_equal (required, "[\"epochs\", \"layers\"]");
  const adze_value *table = adze_value_get (schema, "properties");
  assert_int_equal (table->count, ADZE_COUNT_OF (params));
  for (size_t i = 0; i < ADZE_COUNT_OF (properties); i++) {
    ADZE_AUTO_FREE char *text = json_of (adze_value_get (table, properties[i][0]));
    assert_string_equal (text, properties[i][1]);
  }
}

static const char manual[]
    = ".SH PARAMETERS\n"
      "\\fBprune\\-all\\fR takes:\n"
      ".TP\n"
      "\\fBon\\fR: bool\n"
      "whether at all.\n"
      "The default is \\fBtrue\\fR.\n"
      ".TP\n"
      "\\fBepochs\\fR: int in [1, 9223372036854775807]\n"
      "rounds.\n"
      "It must be given.\n"
      ".TP\n"
      "\\fBsparsity\\fR: float in (0, 1), share\n"
      "what becomes zero.\n"
      "The default is \\fB0.5\\fR.\n"
      "Since version 1.1.0.\n"
      ".TP\n"
      "\\fBlimit\\fR: float in [\\-1, inf]\n"
      "\\&.5 of it is \\(aqa\\(aq \\(dqb\\(dq \\ec \\(ti d\\-e.\n"
      "The default is \\fBinf\\fR.\n"
      ".TP\n"
      "\\fBscope\\fR: choice\n"
      "m\\[u00E4]\\[u00DF].\n"
      "One of \\fBglobal\\fR, \\fBper\\-tensor\\fR or \\fBchannel\\fR.\n"
      "The default is \\fB\\(dqglobal\\(dq\\fR.\n"
      ".TP\n"
      "\\fBnotes\\fR: file\n"
      "a file.\n"
      "The default is \\fB\\(dq\\(dq\\fR.\n"
      ".TP\n"
      "\\fBcodec\\fR: component of kind codec\n"
      "how.\n"
      "The default is \\fB\\(dqint8\\(dq\\fR.\n"
      ".TP\n"
      "\\fBsizes\\fR: list of int in [0, 9]\n"
      "how many.\n"
      "The default is \\fB[1, 2]\\fR.\n"
      ".TP\n"
      "\\fBlayers\\fR: map of choice\n"
      "which.\n"
      "One of \\fBa\\fR or \\fBb\\fR.\n"
      "It must be given.\n"
      ".SH PORTS\n"
      "\\fBprune\\-all\\fR has:\n"
      ".TP\n"
      "\\fBmodel\\fR: model, in, required\n"
      "the model to work on.\n"
      ".TP\n"
      "\\fBmodel\\fR: model, out, required\n"
      "the changed model.\n"
      ".SH THREADING\n"
      "\\fBprune\\-all\\fR stands several calls at once, also in one instance.\n";

static void
test_manual (void **state)
{
  (void)state;
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_inspect_manual (&component, &text);
  assert_false (text.failed);
  assert_string_equal (text.data, manual);
}

static void
test_manual_of_little (void **state)
{
  (void)state;
  const adze_manifest_component little
      = { .kind = (char *)"observer", .id = (char *)"o", .threading = ADZE_THREADS_PLUGIN };
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_inspect_manual (&little, &text);
  assert_string_equal (text.data,
                       ".SH PARAMETERS\n\\fBo\\fR takes no parameters.\n"
                       ".SH PORTS\n\\fBo\\fR has no ports.\n"
                       ".SH THREADING\n\\fBo\\fR stands one call at a time in all "
                       "components of its plugin.\n");
}

/* Parameters are written once: a changed default is changed everywhere. */
static void
test_one_table (void **state)
{
  (void)state;
  adze_param changed[ADZE_COUNT_OF (params)];
  memcpy (changed, params, sizeof changed);
  changed[2].preset = "0.625";
  adze_manifest_component other = component;
  other.params = changed;
  ADZE_AUTO_VALUE value = adze_inspect_value (&manifest, &other);
  ADZE_AUTO_VALUE schema = adze_inspect_schema (&other);
  ADZE_AUTO (adze_buffer) page = { 0 };
  ADZE_AUTO (adze_buffer) golden = { 0 };
  adze_inspect_manual (&other, &page);
  adze_manifest whole = manifest;
  whole.components = &other;
  assert_null (adze_manifest_write (&whole, &golden));
  ADZE_AUTO_FREE char *value_text = json_of (value);
  ADZE_AUTO_FREE char *schema_text = json_of (schema);
  const char *const texts[] = { value_text, schema_text, page.data, golden.data };
  for (size_t i = 0; i < ADZE_COUNT_OF (texts); i++) {
    assert_non_null (strstr (texts[i], "0.625"));
    assert_null (strstr (texts[i], "0.5"));
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_value),
    cmocka_unit_test (test_schema),
    cmocka_unit_test (test_manual),
    cmocka_unit_test (test_manual_of_little),
    cmocka_unit_test (test_one_table),
  };
  return cmocka_run_group_tests_name ("inspect", tests, NULL, NULL);
}
