/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of parameters: which declarations are taken, what becomes of values, and what a person is
 * told who wrote the wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/toml.h"
#include "plugin/manifest/params.h"

static void
expect_text (const char *text, const char *part)
{
  if (!text || !strstr (text, part))
    fail_msg ("\"%s\" and not \"%s\"", text ? text : "(nothing)", part);
}

/* ---- Declarations. */

static const adze_param sound = { .name = "x", .type = ADZE_PARAM_INT, .help = "h" };

/* MESSAGE is NULL for what is sound. */
static void
check_declared (const adze_param *params, size_t count, const char *message)
{
  adze_manifest_component component = { .id = (char *)"c", .kind = (char *)"technique",
                                        .effect = ADZE_CHANGES, .params = (adze_param *)params,
                                        .param_count = count };
  ADZE_AUTO_ERROR error = adze_params_check (&component);
  if (!message) {
    assert_string_equal (adze_error_message (error), "no error");
    return;
  }
  ADZE_AUTO_FREE char *text = adze_error_text (error);
  expect_text (text, message);
}

static void
check_one (adze_param param, const char *message)
{
  if (!param.name)
    param.name = "x";
  if (!param.help)
    param.help = "h";
  check_declared (&param, 1, message);
}

static void
test_names (void **state)
{
  (void)state;
  char longest[66];
  memset (longest, 'a', sizeof longest);
  longest[65] = '\0';
  assert_false (adze_name_valid (longest));
  longest[64] = '\0';
  assert_true (adze_name_valid (longest));
  const char *const bad[] = { "", "1a", "-a", "A", "a_b", "a b", "\xc3\xa9", "a.b" };
  for (size_t i = 0; i < ADZE_COUNT_OF (bad); i++) {
    assert_false (adze_name_valid (bad[i]));
    check_one ((adze_param){ .name = bad[i], .type = ADZE_PARAM_INT }, "a name has lower case");
  }
  /* Each of them, not only the first. */
  check_one ((adze_param){ .name = "use", .type = ADZE_PARAM_INT }, "pipelines need");
  check_one ((adze_param){ .name = "on-no-effect", .type = ADZE_PARAM_INT }, "pipelines need");
  check_one ((adze_param){ .name = "optional", .type = ADZE_PARAM_INT }, "pipelines need");
  check_one ((adze_param){ .name = "inputs-x", .type = ADZE_PARAM_INT }, NULL);
  check_one ((adze_param){ .name = "model", .type = ADZE_PARAM_INT }, "name of a port");
  const adze_param twice[] = { sound, sound };
  check_declared (twice, 2, "'x' is declared twice");
}

/* Each kind stands among other keys in a pipeline. */
static void
test_names_of_other_kinds (void **state)
{
  (void)state;
  static const struct {
    const char *kind, *name;
    bool sound;
  } cases[] = {
    { "format", "from", false }, { "format", "path", false },     { "format", "limit", true },
    { "source", "part", false }, { "source", "shuffle", false }, { "source", "path", true },
    { "source", "use", false },  { "observer", "path", true },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (cases); i++) {
    adze_param param = { .name = cases[i].name, .type = ADZE_PARAM_INT, .help = "h" };
    adze_manifest_component component
        = { .id = (char *)"c", .kind = (char *)cases[i].kind, .params = &param, .param_count = 1 };
    ADZE_AUTO_ERROR error = adze_params_check (&component);
    if (!error != cases[i].sound)
      fail_msg ("%s of a %s", cases[i].name, cases[i].kind);
  }
}

static void
test_declarations (void **state)
{
  (void)state;
  check_one ((adze_param){ .type = ADZE_PARAM_INT }, NULL);
  check_one ((adze_param){ .type = 11 }, "which is none");
  check_one ((adze_param){ .type = ADZE_PARAM_LIST }, "which is none");
  check_one ((adze_param){ .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_LIST },
             "which is none");
  check_one ((adze_param){ .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_COMPONENT }, "of which kind");
  check_one ((adze_param){ .type = ADZE_PARAM_INT, .item = ADZE_PARAM_INT }, "which is none");
  check_one ((adze_param){ .type = ADZE_PARAM_INT, .help = "" }, "has no help");
  check_one ((adze_param){ .type = ADZE_PARAM_INT, .help = "a\nb" }, "its help has a control");
  check_one ((adze_param){ .type = ADZE_PARAM_INT, .unit = "\xff" }, "its unit is not UTF-8");
  check_one ((adze_param){ .type = ADZE_PARAM_STRING, .range = "[0, 1]" }, "is no number");
  check_one ((adze_param){ .type = ADZE_PARAM_INT, .range = "[0, 1.5]" },
             "has a bound that is none");
  check_one ((adze_param){ .type = ADZE_PARAM_INT, .choices = "a" }, "is of another type");
  check_one ((adze_param){ .type = ADZE_PARAM_CHOICE }, "has no choices");
  check_one ((adze_param){ .type = ADZE_PARAM_CHOICE, .choices = "a||b" }, "an empty choice");
  check_one ((adze_param){ .type = ADZE_PARAM_CHOICE, .choices = "a|" }, "an empty choice");
  check_one ((adze_param){ .type = ADZE_PARAM_CHOICE, .choices = "a|b|a" }, "choice \"a\" twice");
  check_one ((adze_param){ .type = ADZE_PARAM_CHOICE, .choices = "ab|a|b" }, NULL);
  check_one ((adze_param){ .type = ADZE_PARAM_OUTPUT_FILE }, "which only an observer can have");
  check_one ((adze_param){ .type = ADZE_PARAM_COMPONENT }, "of which kind");
  check_one ((adze_param){ .type = ADZE_PARAM_INT, .component_kind = "codec" }, "another type");
  check_one ((adze_param){ .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_CHOICE, .choices = "a|b",
                           .preset = "[\"a\", \"b\"]" },
             NULL);
}

static void
test_presets (void **state)
{
  (void)state;
  check_one ((adze_param){ .type = ADZE_PARAM_INT, .preset = "1.0" }, "must be an integer");
  check_one ((adze_param){ .type = ADZE_PARAM_INT, .preset = "one" }, "is not one that it allows");
  check_one ((adze_param){ .type = ADZE_PARAM_INT, .preset = "1\nb = 2" }, "control character");
  check_one ((adze_param){ .type = ADZE_PARAM_FLOAT, .preset = "nan" }, "nan is not");
  check_one ((adze_param){ .type = ADZE_PARAM_FLOAT, .preset = "1", .range = "[0, 1)" },
             "must be in [0, 1), and 1 is not");
  check_one ((adze_param){ .type = ADZE_PARAM_CHOICE, .choices = "a|b", .preset = "c" },
             "one of \"a\", \"b\"");
  check_one ((adze_param){ .type = ADZE_PARAM_CHOICE, .choices = "8|16", .preset = "16" }, NULL);
  check_one ((adze_param){ .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_INT, .preset = "[1, 2.5]" },
             "an entry of parameter 'x' must be an integer");
  check_one ((adze_param){ .type = ADZE_PARAM_MAP, .item = ADZE_PARAM_INT, .range = "[0, 3]",
                           .preset = "{ a = 4 }" },
             "must be in [0, 3]");
  check_one ((adze_param){ .type = ADZE_PARAM_COMPONENT, .component_kind = "codec",
                           .preset = "{ per = 1 }" },
             "id of a component");
  check_one ((adze_param){ .type = ADZE_PARAM_COMPONENT, .component_kind = "codec",
                           .preset = "{ use = \"x\", a = [inf] }" },
             "neither dates nor infinities");
  check_one ((adze_param){ .type = ADZE_PARAM_STRING, .preset = "" }, NULL);
}

/* The quotes of a preset may be left out where nothing but text can be meant. */
static void
test_preset_text (void **state)
{
  (void)state;
  static const struct {
    const char *preset, *text;
  } cases[] = { { "a word", "a word" }, { "\"quoted\"", "quoted" }, { "'quoted'", "quoted" },
                { "12", "12" },         { "true", "true" },         { "", "" },
                { "\"open", "\"open" }, { "\"\\u00e9\"", "\xc3\xa9" } };
  for (size_t i = 0; i < ADZE_COUNT_OF (cases); i++) {
    const adze_param param
        = { .name = "x", .type = ADZE_PARAM_STRING, .preset = cases[i].preset };
    ADZE_AUTO_VALUE value = NULL;
    assert_null (adze_param_preset (&param, &value));
    assert_int_equal (value->type, ADZE_VALUE_STRING);
    assert_string_equal (value->string, cases[i].text);
  }
  const adze_param whole = { .name = "x", .type = ADZE_PARAM_FLOAT, .preset = "3" };
  ADZE_AUTO_VALUE value = NULL;
  assert_null (adze_param_preset (&whole, &value));
  assert_int_equal (value->type, ADZE_VALUE_FLOAT);
  assert_true (value->real == 3.0);
  const adze_param none = { .name = "x", .type = ADZE_PARAM_FLOAT };
  ADZE_AUTO_VALUE nothing = NULL;
  assert_null (adze_param_preset (&none, &nothing));
  assert_null (nothing);
}

static void
test_ports (void **state)
{
  (void)state;
  const struct {
    adze_port port;
    const char *message;
  } cases[] = {
    { { "x", "model", ADZE_PORT_IN, 1, "h" }, NULL },
    { { "x", "model", ADZE_PORT_IN, 1, NULL }, NULL },
    { { "X", "model", ADZE_PORT_IN, 1, "h" }, "a name has lower case" },
    { { "x", NULL, ADZE_PORT_IN, 1, "h" }, "has no type" },
    { { "x", "model", 3, 1, "h" }, "the direction 3" },
    { { "x", "model", ADZE_PORT_IN, 2, "h" }, "required 2 times" },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (cases); i++) {
    adze_port port = cases[i].port;
    adze_manifest_component component = { .id = (char *)"c", .ports = &port, .port_count = 1 };
    ADZE_AUTO_ERROR error = adze_params_check (&component);
    if (cases[i].message)
      expect_text (adze_error_message (error), cases[i].message);
    else
      assert_null (error);
  }
}

/* ---- Ranges. */

static void
test_ranges (void **state)
{
  (void)state;
  adze_range range;
  assert_null (adze_range_parse ("[0, 1)", &range));
  assert_true (adze_range_has_float (&range, 0.0));
  assert_true (adze_range_has_float (&range, 0.999999));
  assert_false (adze_range_has_float (&range, 1.0));
  assert_false (adze_range_has_float (&range, NAN));
  assert_true (adze_range_has_int (&range, 0));
  assert_false (adze_range_has_int (&range, 1));
  assert_null (adze_range_parse ("(0,inf)", &range));
  assert_false (adze_range_has_float (&range, 0.0));
  assert_false (adze_range_has_float (&range, INFINITY));
  assert_true (adze_range_has_int (&range, INT64_MAX));
  assert_false (adze_range_has_int (&range, 0));
  assert_null (adze_range_parse ("( -inf , 2.5e-3 ]", &range));
  assert_true (adze_range_has_float (&range, 0.0025));
  assert_true (adze_range_has_int (&range, INT64_MIN));
  assert_false (adze_range_has_int (&range, 1));
  /* As doubles these three are one number. */
  assert_null (adze_range_parse ("[0, 9223372036854775806]", &range));
  assert_true (adze_range_has_int (&range, INT64_MAX - 1));
  assert_false (adze_range_has_int (&range, INT64_MAX));
  assert_null (adze_range_parse ("(9223372036854775805, 9223372036854775807]", &range));
  assert_false (adze_range_has_int (&range, INT64_MAX - 2));
  assert_true (adze_range_has_int (&range, INT64_MAX));
}

static void
test_bad_ranges (void **state)
{
  (void)state;
  const char *const bad[] = { "",        "[",        "[]",      "[,]",     ",",       "[0,",
                              "0, 1",    "[0, 1",    "[0; 1]",  "[0, 1, 2]", "[a, 1]", "[nan, 1]",
                              "[0, 0x9]", "[1, 0]",  "(0, 0]",  "[0, 1]x", "[\"0\", 1]", "[0, 1]]",
                              "[0,\n1]",  "[--1, 1]",
                              "[9223372036854775807, 9223372036854775806]" };
  for (size_t i = 0; i < ADZE_COUNT_OF (bad); i++) {
    adze_range range;
    ADZE_AUTO_ERROR error = adze_range_parse (bad[i], &range);
    if (!error)
      fail_msg ("\"%s\" was taken", bad[i]);
  }
  adze_range one;
  assert_null (adze_range_parse ("[1, 1]", &one));
}

/* A program that embeds us may count with commas. */
static void
test_locale (void **state)
{
  (void)state;
  if (!setlocale (LC_NUMERIC, "de_DE.UTF-8"))
    skip ();
  adze_range range;
  adze_error *error = adze_range_parse ("[0.25, 0.75]", &range);
  setlocale (LC_NUMERIC, "C");
  assert_null (error);
  assert_true (range.low == 0.25 && range.high == 0.75);
}

/* ---- Binding. */

static adze_param table[] = {
  { .name = "flag", .type = ADZE_PARAM_BOOL, .preset = "false", .help = "h" },
  { .name = "epochs", .type = ADZE_PARAM_INT, .range = "[1, 64]", .preset = "2", .help = "h" },
  { .name = "sparsity", .type = ADZE_PARAM_FLOAT, .range = "[0, 1)", .help = "the share" },
  { .name = "title", .type = ADZE_PARAM_STRING, .preset = "none", .help = "h" },
  { .name = "scope", .type = ADZE_PARAM_CHOICE, .choices = "global|tensor|channel",
    .preset = "global", .help = "h" },
  { .name = "notes", .type = ADZE_PARAM_FILE, .preset = "", .help = "h" },
  { .name = "codec", .type = ADZE_PARAM_COMPONENT, .component_kind = "codec",
    .preset = "{ use = \"int8\", bits = 4 }", .help = "h" },
  { .name = "sizes", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_FLOAT, .range = "[0, 9]",
    .preset = "[1, 2.5]", .help = "h" },
  { .name = "layers", .type = ADZE_PARAM_MAP, .item = ADZE_PARAM_CHOICE, .choices = "a|b",
    .preset = "{}", .help = "h" },
};
static const adze_manifest_component prune
    = { .id = (char *)"prune", .kind = (char *)"technique", .params = table,
        .param_count = ADZE_COUNT_OF (table) };

static adze_param codec_table[] = {
  { .name = "bits", .type = ADZE_PARAM_INT, .range = "[2, 8]", .preset = "8", .help = "h" },
};
static const adze_manifest_component int8
    = { .id = (char *)"int8", .kind = (char *)"codec", .params = codec_table, .param_count = 1 };

/* A codec whose parameter is a codec, itself if nothing else is said. */
static adze_param endless_table[] = {
  { .name = "inner", .type = ADZE_PARAM_COMPONENT, .component_kind = "codec",
    .preset = "endless", .help = "h" },
};
static const adze_manifest_component endless = { .id = (char *)"endless", .kind = (char *)"codec",
                                                 .params = endless_table, .param_count = 1 };

static adze_error *
find_codec (void *context, const char *kind, const char *id,
            const adze_manifest_component **component)
{
  (void)context;
  assert_string_equal (kind, "codec");
  *component = strcmp (id, "int8") == 0 ? &int8 : &endless;
  if (strcmp (id, "int8") == 0 || strcmp (id, "endless") == 0)
    return NULL;
  adze_error *error = adze_error_new (ADZE_E_NOT_FOUND, "there is no component '%s'", id);
  adze_error_set (error, "hint", "see `adze list codec`");
  return error;
}

static adze_error *
bind (const char *text, const char *folder, adze_params **params)
{
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_TRY (adze_toml_parse ("p.toml", text, strlen (text), &document));
  static const char *const ignore[] = { "use", "id", NULL };
  return adze_params_bind (&prune, &document, document.root, ignore, folder, find_codec, NULL,
                           params);
}

/* ---- Sizes. */

static const adze_param sized[] = {
  { .name = "shard", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, 9000000000000]",
    .unit = "bytes", .help = "h" },
  { .name = "count", .type = ADZE_PARAM_INT, .preset = "0", .help = "h" },
};
static const adze_manifest_component sizes = { .id = (char *)"sizes", .kind = (char *)"format",
                                               .params = (adze_param *)sized, .param_count = 2 };

/* What TEXT says of "shard"; a complaint must have PART. */
static void
check_size (const char *text, const char *part, int64_t wanted)
{
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_PARAMS params = NULL;
  assert_null (adze_toml_parse ("p.toml", text, strlen (text), &document));
  ADZE_AUTO_ERROR error = adze_params_bind (&sizes, &document, document.root, NULL, NULL, NULL,
                                            NULL, &params);
  if (part) {
    assert_non_null (error);
    expect_text (adze_error_message (error), part);
  } else {
    assert_string_equal (adze_error_message (error), "no error");
    assert_int_equal (params->values[0].integer, wanted);
  }
}

static void
test_sizes (void **state)
{
  (void)state;
  check_size ("shard = \"40 KB\"\n", NULL, 40000);
  check_size ("shard = \"2GB\"\n", NULL, 2000000000);
  check_size ("shard = \"1 GiB\"\n", NULL, 1073741824);
  check_size ("shard = \"1.5KiB\"\n", NULL, 1536);
  check_size ("shard = \"17\"\n", NULL, 17);
  check_size ("shard = 17\n", NULL, 17);
  check_size ("shard = \"40 kilo\"\n",
              "p.toml:1:9: parameter 'shard': \"40 kilo\" is no size; one reads \"2GiB\"", 0);
  check_size ("shard = \"40 s\"\n", "is no size", 0);
  check_size ("shard = \"10 TB\"\n", "must be in [0, 9000000000000] bytes", 0);
  check_size ("shard = \"99999 TiB\"\n", "is more than 8192 TiB", 0);
  check_size ("shard = 1.5\n", "must be an integer", 0);
  check_size ("count = \"40 KB\"\n", "parameter 'count' must be an integer", 0);
  /* So it can be written behind --set, with quotes and without. */
  static const char *const settings[][2]
      = { { "shard=40 KB", NULL }, { "shard=40KB", NULL }, { "shard=\"40 KB\"", NULL } };
  for (size_t i = 0; i < ADZE_COUNT_OF (settings); i++) {
    ADZE_AUTO (adze_document) document = { 0 };
    ADZE_AUTO_PARAMS params = NULL;
    assert_null (adze_settings_parse (&sizes, settings[i], &document));
    assert_null (adze_params_bind (&sizes, &document, document.root, NULL, NULL, NULL, NULL,
                                   &params));
    assert_int_equal (params->values[0].integer, 40000);
  }
}

static void
count_complaint (void *context, adze_error *error)
{
  adze_document *document = context;
  assert_true (adze_error_fact (error, "line") && strstr (adze_error_message (error), "p.toml:"));
  document->root->boolean = true; /* one was heard */
  adze_error_free (error);
}

/* What a rule says: some of the parameters, and nothing is filled in beside them. */
static void
test_partly_bound (void **state)
{
  (void)state;
  ADZE_AUTO (adze_document) document = { 0 };
  const char *text = "epochs = 3\ncodec = \"int8\"\nepocs = 4\n";
  assert_null (adze_toml_parse ("p.toml", text, strlen (text), &document));
  adze_params_request request = { .document = &document, .table = document.root,
                                  .find = find_codec, .partial = true,
                                  .complain = count_complaint, .complain_context = &document };
  ADZE_AUTO_PARAMS params = NULL;
  assert_null (adze_params_examine (&prune, &request, &params));
  assert_true (document.root->boolean);
  assert_int_equal (params->count, 2);
  assert_int_equal (params->values[0].integer, 3);
  /* Inside of a component there are no rules. */
  assert_int_equal (params->values[1].nested->count, 1);
}

static void
test_bound (void **state)
{
  (void)state;
  ADZE_AUTO_PARAMS params = NULL;
  assert_null (bind ("use = \"prune\"\nsparsity = 0\nflag = true\nepochs = 64\ntitle = \"a\\nb\"\n"
                     "scope = \"channel\"\nsizes = [9, 0.5]\n"
                     "layers = { 'fc1.*' = \"b\", x = \"a\" }\n"
                     "codec = { use = \"int8\", bits = 2 }\n",
                     NULL, &params));
  assert_int_equal (params->count, ADZE_COUNT_OF (table));
  const struct adze_param_value *v = params->values;
  for (size_t i = 0; i < params->count; i++) {
    assert_string_equal (v[i].name, table[i].name);
    assert_int_equal (v[i].type, table[i].type);
  }
  assert_true (v[0].boolean);
  assert_int_equal (v[1].integer, 64);
  assert_true (v[2].real == 0.0);
  assert_string_equal (v[3].string, "a\nb");
  assert_string_equal (v[4].string, "channel");
  assert_string_equal (v[5].string, "");
  assert_string_equal (v[6].string, "int8");
  assert_int_equal (v[6].nested->count, 1);
  assert_int_equal (v[6].nested->values[0].integer, 2);
  assert_int_equal (v[7].nested->count, 2);
  assert_string_equal (v[7].nested->values[1].name, "1");
  assert_int_equal (v[7].nested->values[0].type, ADZE_PARAM_FLOAT);
  assert_true (v[7].nested->values[0].real == 9.0 && v[7].nested->values[1].real == 0.5);
  assert_string_equal (v[8].nested->values[0].name, "fc1.*");
  assert_string_equal (v[8].nested->values[0].string, "b");
}

/* Nobody can tell how a map was written: not the plugin, and no key of a result. */
static void
test_maps_have_no_order (void **state)
{
  (void)state;
  ADZE_AUTO_PARAMS params = NULL;
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_AUTO_VALUE given = NULL;
  ADZE_AUTO (adze_buffer) shown = { 0 };
  const char *text = "sparsity = 0\nlayers = { x = \"a\", m = \"b\", c = \"a\" }\n";
  assert_null (bind (text, NULL, &params));
  const struct adze_param_value *layers = params->values[8].nested->values;
  assert_string_equal (layers[0].name, "c");
  assert_string_equal (layers[1].name, "m");
  assert_string_equal (layers[1].string, "b");
  assert_string_equal (layers[2].name, "x");
  assert_null (adze_toml_parse ("p.toml", text, strlen (text), &document));
  assert_null (adze_param_given (&table[8], document.root, false, &given));
  adze_value_write_toml (given, &shown);
  adze_buffer_add (&shown, "", 1);
  assert_string_equal (shown.data, "{ c = \"a\", m = \"b\", x = \"a\" }");
}

static void
test_presets_fill_in (void **state)
{
  (void)state;
  ADZE_AUTO_PARAMS params = NULL;
  assert_null (bind ("sparsity = 0.5", NULL, &params));
  const struct adze_param_value *v = params->values;
  assert_false (v[0].boolean);
  assert_int_equal (v[1].integer, 2);
  assert_string_equal (v[3].string, "none");
  assert_string_equal (v[6].string, "int8");
  assert_int_equal (v[6].nested->values[0].integer, 4);
  assert_true (v[7].nested->values[0].real == 1.0);
  assert_int_equal (v[8].nested->count, 0);
  /* A component that is only named has its own presets. */
  ADZE_AUTO_PARAMS named = NULL;
  assert_null (bind ("sparsity = 0.5\ncodec = \"int8\"", NULL, &named));
  assert_int_equal (named->values[6].nested->values[0].integer, 8);
  ADZE_AUTO_PARAMS none = NULL;
  assert_null (adze_params_bind (&int8, NULL, NULL, NULL, NULL, NULL, NULL, &none));
  assert_int_equal (none->values[0].integer, 8);
}

static const struct {
  const char *text;
  const char *message; /* whole, or its beginning when it ends in "..." */
  const char *needed, *found;
} complaints[] = {
  { "sparsity = 0.5\nepoch = 3",
    "p.toml:2:1: 'prune' has no parameter 'epoch'; did you mean 'epochs'? (it has flag, epochs, "
    "sparsity, title, scope, notes, codec, sizes, layers)",
    "epochs", "epoch" },
  { "sparsity = 0.5\nqqqqqqqq = 3",
    "p.toml:2:1: 'prune' has no parameter 'qqqqqqqq'; it has flag, epochs, sparsity, title, scope, "
    "notes, codec, sizes, layers",
    NULL, "qqqqqqqq" },
  { "flag = true",
    "p.toml:1:1: 'prune' needs the parameter 'sparsity': a float in [0, 1) (\"the share\")",
    "a float in [0, 1)", NULL },
  { "sparsity = \"half\"",
    "p.toml:1:12: parameter 'sparsity' must be a float, and a string (\"half\") is not", "a float",
    "a string (\"half\")" },
  { "sparsity = 0.5\nepochs = 2.0",
    "p.toml:2:10: parameter 'epochs' must be an integer, and a float (2.0) is not", "an integer",
    "a float (2.0)" },
  { "sparsity = 1", "p.toml:1:12: parameter 'sparsity' must be in [0, 1), and 1 is not",
    "in [0, 1)", "1" },
  { "sparsity = nan", "p.toml:1:12: parameter 'sparsity' must be a number, and nan is not",
    "a number", "nan" },
  { "sparsity = 0.5\nscope = \"chanel\"",
    "p.toml:2:9: parameter 'scope' must be one of \"global\", \"tensor\", \"channel\", and "
    "\"chanel\" is not; did you mean \"channel\"?",
    "one of \"global\", \"tensor\", \"channel\"", "\"chanel\"" },
  { "sparsity = 0.5\ntitle = \"a\\u0000b\"",
    "p.toml:2:9: parameter 'title' must be text, and a string with a NUL in it is not", "text",
    NULL },
  { "sparsity = 0.5\nsizes = 3", "p.toml:2:9: parameter 'sizes' must be a list, and an integer (3) "
    "is not", "a list", "an integer (3)" },
  { "sparsity = 0.5\nsizes = [1, 10]",
    "p.toml:2:13: an entry of parameter 'sizes' must be in [0, 9], and 10 is not", "in [0, 9]",
    "10" },
  { "sparsity = 0.5\nlayers = { a = \"c\" }",
    "p.toml:2:16: an entry of parameter 'layers' must be one of \"a\", \"b\", and \"c\" is not",
    NULL, NULL },
  { "sparsity = 0.5\ncodec = \"int9\"",
    "p.toml:2:9: parameter 'codec': there is no component 'int9'", NULL, NULL },
  { "sparsity = 0.5\ncodec = { bits = 3 }",
    "p.toml:2:9: parameter 'codec' needs the id of a component: use = \"ID\"", NULL, NULL },
  { "sparsity = 0.5\ncodec = { use = \"int8\", bits = 9 }",
    "p.toml:2:32: parameter 'bits' must be in [2, 8], and 9 is not", "in [2, 8]", "9" },
  { "sparsity = 0.5\ncodec = { use = \"int8\", bit = 3 }",
    "p.toml:2:25: 'int8' has no parameter 'bit'; did you mean 'bits'? (it has bits)", "bits",
    "bit" },
  { "sparsity = 0.5\ncodec = \"endless\"",
    "p.toml:2:9: parameter 'inner' has components within components without end (this is its "
    "default)",
    NULL, NULL },
  { "sparsity = 0.5\nnotes = \"no/such/file\"", "p.toml:2:9: parameter 'notes': ...", NULL, NULL },
  { "sparsity = 0.5\nnotes = \"/tmp\"", "p.toml:2:9: parameter 'notes': ...", NULL, NULL },
};

static void
test_complaints (void **state)
{
  (void)state;
  for (size_t i = 0; i < ADZE_COUNT_OF (complaints); i++) {
    ADZE_AUTO_PARAMS params = NULL;
    ADZE_AUTO_ERROR error = bind (complaints[i].text, NULL, &params);
    assert_null (params);
    assert_int_equal (adze_error_status (error), ADZE_E_PARAM);
    const char *message = complaints[i].message;
    const char *end = strstr (message, "...");
    if (end)
      assert_int_equal (strncmp (adze_error_message (error), message, (size_t)(end - message)), 0);
    else
      assert_string_equal (adze_error_message (error), message);
    if (complaints[i].needed)
      assert_string_equal (adze_error_fact (error, "needed"), complaints[i].needed);
    if (complaints[i].found)
      assert_string_equal (adze_error_fact (error, "found"), complaints[i].found);
    assert_string_equal (adze_error_fact (error, "file"), "p.toml");
    assert_non_null (adze_error_fact (error, "caret"));
  }
}

static void
test_all_at_once (void **state)
{
  (void)state;
  ADZE_AUTO_PARAMS params = NULL;
  ADZE_AUTO_ERROR error
      = bind ("epoch = 3\nflag = 1\nsizes = [1, 10, \"a\"]\ncodec = { use = \"int8\", bits = 9 }\n",
              NULL, &params);
  ADZE_AUTO_FREE char *text = adze_error_text (error);
  expect_text (text, "6 mistakes in the parameters of 'prune':\n");
  expect_text (text, "p.toml:1:1: 'prune' has no parameter 'epoch'; did you mean 'epochs'?");
  expect_text (text, "p.toml:2:8: parameter 'flag' must be true or false");
  expect_text (text, "p.toml:3:13: an entry of parameter 'sizes' must be in [0, 9]");
  expect_text (text, "p.toml:3:17: an entry of parameter 'sizes' must be a float");
  expect_text (text, "p.toml:4:32: parameter 'bits' must be in [2, 8]");
  expect_text (text, "'prune' needs the parameter 'sparsity'");
  /* The place of the first is shown. */
  assert_string_equal (adze_error_fact (error, "line"), "1");
  assert_string_equal (adze_error_fact (error, "source"), "epoch = 3");
  assert_string_equal (adze_error_fact (error, "found"), "epoch");
}

/* Somebody's wrong file must not fill the screen. */
static void
test_too_many (void **state)
{
  (void)state;
  ADZE_AUTO (adze_buffer) text = { 0 };
  for (int i = 0; i < 1000; i++)
    adze_buffer_format (&text, "key-%d = 1\n", i);
  ADZE_AUTO_PARAMS params = NULL;
  ADZE_AUTO_ERROR error = bind (text.data, NULL, &params);
  expect_text (adze_error_message (error), "1001 mistakes");
  expect_text (adze_error_message (error), "key-31'");
  assert_null (strstr (adze_error_message (error), "key-32'"));
  expect_text (adze_error_message (error), "and so on");
}

static void
test_no_components_here (void **state)
{
  (void)state;
  ADZE_AUTO_PARAMS params = NULL;
  ADZE_AUTO_ERROR error
      = adze_params_bind (&endless, NULL, NULL, NULL, NULL, NULL, NULL, &params);
  expect_text (adze_error_message (error), "takes a component, which cannot be had here");
}

static void
test_files (void **state)
{
  (void)state;
  char folder[] = "/tmp/adze-test-params-XXXXXX";
  assert_non_null (mkdtemp (folder));
  ADZE_AUTO_FREE char *real = NULL;
  assert_null (adze_path_absolute (folder, &real));
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/notes.txt", real);
  assert_null (adze_file_write (path, "x", 1, 0644));
  ADZE_AUTO_PARAMS params = NULL;
  ADZE_AUTO_ERROR error = bind ("sparsity = 0.5\nnotes = \"./notes.txt\"", folder, &params);
  unlink (path);
  rmdir (folder);
  assert_null (error);
  assert_string_equal (params->values[5].string, path);
}

/* Without a preset that says so, no file is not a file. */
static void
test_file_must_be_given (void **state)
{
  (void)state;
  adze_param file = { .name = "path", .type = ADZE_PARAM_FILE, .preset = "/dev/null", .help = "h" };
  const adze_manifest_component component
      = { .id = (char *)"c", .params = &file, .param_count = 1 };
  ADZE_AUTO (adze_document) document = { 0 };
  assert_null (adze_toml_parse ("p.toml", "path = ''", 9, &document));
  ADZE_AUTO_PARAMS params = NULL;
  ADZE_AUTO_ERROR error = adze_params_bind (&component, &document, document.root, NULL, NULL, NULL,
                                            NULL, &params);
  expect_text (adze_error_message (error), "must be the path of a file, and is empty");
  ADZE_AUTO_PARAMS preset = NULL;
  ADZE_AUTO_ERROR device
      = adze_params_bind (&component, &document, NULL, NULL, NULL, NULL, NULL, &preset);
  expect_text (adze_error_message (device), "(this is its default)");
}

/* ---- Settings. */

static adze_error *
bind_settings (const char *const *settings, adze_params **params)
{
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_TRY (adze_settings_parse (&prune, settings, &document));
  return adze_params_bind (&prune, &document, document.root, NULL, NULL, find_codec, NULL, params);
}

static void
test_settings (void **state)
{
  (void)state;
  const char *const settings[]
      = { "sparsity=0.5",        "epochs = 3",         "title = two words = 2",
          " scope =tensor ",     "sizes=[1, 2]",       "codec = {use='int8', bits=3}",
          "layers = {x = \"a\"}", "flag=true",         NULL };
  ADZE_AUTO_PARAMS params = NULL;
  assert_null (bind_settings (settings, &params));
  const struct adze_param_value *v = params->values;
  assert_true (v[0].boolean);
  assert_int_equal (v[1].integer, 3);
  assert_true (v[2].real == 0.5);
  assert_string_equal (v[3].string, "two words = 2");
  assert_string_equal (v[4].string, "tensor");
  assert_string_equal (v[6].string, "int8");
  assert_int_equal (v[6].nested->values[0].integer, 3);
  assert_int_equal (v[7].nested->count, 2);
  assert_string_equal (v[8].nested->values[0].string, "a");
  const char *const quoted[] = { "sparsity=0", "title=\"a = \\\"b\\\"\"", "codec=int8", NULL };
  ADZE_AUTO_PARAMS again = NULL;
  assert_null (bind_settings (quoted, &again));
  assert_string_equal (again->values[3].string, "a = \"b\"");
  assert_int_equal (again->values[6].nested->values[0].integer, 8);
}

static const struct {
  const char *setting;
  const char *message;
  const char *caret; /* NULL: not looked at */
} bad_settings[] = {
  { "sparsity", "<settings>:2:1: \"sparsity\" is no setting: one reads name = value", "^" },
  { "= 3", "<settings>:2:1: \"= 3\" is no setting: one reads name = value", "^" },
  { "epochs =", "<settings>:2:1: \"epochs =\" is no setting: one reads name = value", "^" },
  { "title = \"a\"", "<settings>:2:1: 'title' is set twice", NULL },
  { "epoch = 3", "<settings>:2:1: 'prune' has no parameter 'epoch'; did you mean 'epochs'?", "^" },
  { "epoch = {", "<settings>:2:1: 'prune' has no parameter 'epoch'; did you mean 'epochs'?", "^" },
  { "codec.bits = 3", "<settings>:2:1: 'prune' has no parameter 'codec.bits'", "^" },
  { "epochs = three", "<settings>:2:10: parameter 'epochs' must be an integer, and a string "
    "(\"three\") is not", "         ^" },
  { "epochs=99", "<settings>:2:8: parameter 'epochs' must be in [1, 64], and 99 is not",
    "       ^" },
  { "sizes = [1, 10]", "<settings>:2:13: an entry of parameter 'sizes' must be in [0, 9]",
    "            ^" },
  { "sizes = [1, 2", "<settings>:2:9: '[1, 2' is no list of float in TOML", "        ^" },
  { "epochs = 1\nflag = true", "<settings>:2:10: parameter 'epochs' must be an integer",
    "         ^" },
};

static void
test_bad_settings (void **state)
{
  (void)state;
  for (size_t i = 0; i < ADZE_COUNT_OF (bad_settings); i++) {
    const char *const settings[]
        = { "title = \"x\"", bad_settings[i].setting, "sparsity = 0.5", NULL };
    ADZE_AUTO_PARAMS params = NULL;
    ADZE_AUTO_ERROR error = bind_settings (settings, &params);
    assert_null (params);
    expect_text (adze_error_message (error), bad_settings[i].message);
    if (bad_settings[i].caret)
      assert_string_equal (adze_error_fact (error, "caret"), bad_settings[i].caret);
    size_t length = strcspn (bad_settings[i].setting, "\n");
    assert_int_equal (strncmp (adze_error_fact (error, "source"), bad_settings[i].setting, length),
                      0);
  }
}

/* What spans lines moves the settings behind it down. */
static void
test_settings_of_many_lines (void **state)
{
  (void)state;
  const char *const settings[] = { "title = \"\"\"\na\nb\"\"\"", "sparsity = 2", NULL };
  ADZE_AUTO_PARAMS params = NULL;
  ADZE_AUTO_ERROR error = bind_settings (settings, &params);
  assert_string_equal (adze_error_fact (error, "line"), "4");
  assert_string_equal (adze_error_fact (error, "source"), "sparsity = 2");
}

static void
test_no_settings (void **state)
{
  (void)state;
  ADZE_AUTO (adze_document) document = { 0 };
  assert_null (adze_settings_parse (&prune, NULL, &document));
  assert_int_equal (document.root->count, 0);
  assert_string_equal (document.path, "<settings>");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_names),
    cmocka_unit_test (test_names_of_other_kinds),
    cmocka_unit_test (test_declarations),
    cmocka_unit_test (test_presets),
    cmocka_unit_test (test_preset_text),
    cmocka_unit_test (test_ports),
    cmocka_unit_test (test_ranges),
    cmocka_unit_test (test_bad_ranges),
    cmocka_unit_test (test_locale),
    cmocka_unit_test (test_sizes),
    cmocka_unit_test (test_partly_bound),
    cmocka_unit_test (test_bound),
    cmocka_unit_test (test_maps_have_no_order),
    cmocka_unit_test (test_presets_fill_in),
    cmocka_unit_test (test_complaints),
    cmocka_unit_test (test_all_at_once),
    cmocka_unit_test (test_too_many),
    cmocka_unit_test (test_no_components_here),
    cmocka_unit_test (test_files),
    cmocka_unit_test (test_file_must_be_given),
    cmocka_unit_test (test_settings),
    cmocka_unit_test (test_bad_settings),
    cmocka_unit_test (test_settings_of_many_lines),
    cmocka_unit_test (test_no_settings),
  };
  return cmocka_run_group_tests_name ("params", tests, NULL, NULL);
}
