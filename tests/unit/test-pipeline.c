/* SPDX-License-Identifier: Apache-2.0 */
/* Pipelines as the rest of core sees them: what is bound to what, what a stage was told, and what
 * --set makes of it. The components are those of this build. What is said about broken pipelines:
 * tests/pipelines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "pipeline/pipeline.h"
#include "static-build.h"

/* ---- A folder with files, and a runtime. */

typedef struct place {
  char folder[4096];
  adze_runtime *runtime;
} place;

static void
put (const place *p, const char *name, const char *text)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s", p->folder, name);
  ADZE_AUTO_ERROR error = adze_file_write (path, text, strlen (text), 0666);
  assert_null (error);
}

static int
set_up (void **state)
{
  place *p = calloc (1, sizeof *p);
  const char *parent = getenv ("TMPDIR");
  assert_non_null (p);
  snprintf (p->folder, sizeof p->folder, "%s/pipelines-XXXXXX", parent ? parent : "/tmp");
  assert_non_null (mkdtemp (p->folder));
  put (p, "m.safetensors", "any");
  put (p, "sub/t.safetensors", "other");
  put (p, "costs.csv", "a,b\n");
  ADZE_AUTO_ERROR error = adze_runtime_open (NULL, &p->runtime);
  assert_null (error);
  *state = p;
  return 0;
}

static int
tear_down (void **state)
{
  place *p = *state;
  static const char *const names[]
      = { "m.safetensors", "sub/t.safetensors", "costs.csv", "p.toml" };
  for (size_t i = 0; i < ADZE_COUNT_OF (names); i++) {
    ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s", p->folder, names[i]);
    unlink (path);
  }
  ADZE_AUTO_FREE char *sub = adze_text_format ("%s/sub", p->folder);
  rmdir (sub);
  rmdir (p->folder);
  adze_runtime_close (p->runtime);
  free (p);
  return 0;
}

static adze_error *
read_text (const place *p, const char *text, const char *const *settings, adze_pipeline **pipeline)
{
  put (p, "p.toml", text);
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/p.toml", p->folder);
  return adze_pipeline_open (p->runtime, path, settings, pipeline);
}

static adze_pipeline *
must_read (const place *p, const char *text, const char *const *settings)
{
  adze_pipeline *pipeline = NULL;
  ADZE_AUTO_ERROR error = read_text (p, text, settings, &pipeline);
  if (error) {
    ADZE_AUTO_FREE char *whole = adze_error_text (error);
    fail_msg ("%s", whole);
  }
  return pipeline;
}

#define HEAD "adze = 1\n[model]\npath = \"m.safetensors\"\n"
#define OTHER "[input.other]\nkind = \"model\"\npath = \"sub/t.safetensors\"\n"

/* ---- What is bound. */

static void
bound (const adze_binding *binding, adze_origin origin, size_t number, const char *port)
{
  assert_int_equal (binding->origin, origin);
  assert_int_equal (binding->number, number);
  assert_string_equal (binding->type, "model");
  if (port)
    assert_string_equal (binding->port, port);
}

static void
test_ports_left_out_take_the_newest (void **state)
{
  adze_pipeline *pipeline = must_read (*state,
                                       HEAD "[[stage]]\nuse = \"profile\"\n"
                                            "[[stage]]\nuse = \"clip\"\n"
                                            "[[stage]]\nuse = \"validate\"\n"
                                            "[[stage]]\nuse = \"cast\"\nto = \"f16\"\n"
                                            "[[output]]\npath = \"o.safetensors\"\n",
                                       NULL);
  assert_int_equal (pipeline->stage_count, 4);
  bound (&pipeline->stages[0].bindings[0], ADZE_FROM_INPUT, 0, NULL);
  /* What only looks gives no model. */
  bound (&pipeline->stages[1].bindings[0], ADZE_FROM_INPUT, 0, NULL);
  bound (&pipeline->stages[2].bindings[0], ADZE_FROM_STAGE, 1, "model");
  bound (&pipeline->stages[3].bindings[0], ADZE_FROM_STAGE, 1, "model");
  bound (&pipeline->outputs[0].from, ADZE_FROM_STAGE, 3, "model");
  assert_null (pipeline->stages[3].bindings[0].at);
  assert_string_equal (pipeline->outputs[0].format, "safetensors");
  adze_pipeline_close (pipeline);
}

static void
test_ports_take_what_they_are_told (void **state)
{
  adze_pipeline *pipeline = must_read (
      *state,
      HEAD OTHER "[[stage]]\nuse = \"clip\"\nid = \"a\"\ninputs = { model = \"input.other\" }\n"
                 "[[stage]]\nuse = \"merge\"\ninputs = { other = \"input.model\" }\n"
                 "[[output]]\npath = \"o.gguf\"\nfrom = \"a.model\"\n",
      NULL);
  const adze_pipeline_stage *merge = &pipeline->stages[1];
  bound (&pipeline->stages[0].bindings[0], ADZE_FROM_INPUT, 1, NULL);
  assert_non_null (pipeline->stages[0].bindings[0].at);
  bound (&merge->bindings[0], ADZE_FROM_STAGE, 0, "model");
  bound (&merge->bindings[1], ADZE_FROM_INPUT, 0, NULL);
  assert_int_equal (merge->bindings[2].origin, ADZE_FROM_NOWHERE);
  bound (&pipeline->outputs[0].from, ADZE_FROM_STAGE, 0, "model");
  assert_string_equal (pipeline->outputs[0].format, "gguf");
  adze_pipeline_close (pipeline);
}

/* ---- What the host was told. */

static void
test_host_keys (void **state)
{
  const place *p = *state;
  adze_pipeline *pipeline = must_read (
      p,
      "adze = 1\nname = \"n\"\nseed = 9\n"
      "[run]\nmax-rss = \"2GiB\"\nthreads = 3\ndelegate = \"warn\"\nstructure-limit = 1000\n"
      "[model]\npath = \"sub/../m.safetensors\"\n"
      "[[stage]]\nuse = \"clip\"\npercentile = 50\nisolate = { time = \"1.5 s\", memory = \"1MiB\" "
      "}\n"
      "on-no-effect = \"warn\"\nrequire = \"clipped > 0\"\n"
      "[[stage]]\nuse = \"clip\"\nid = \"c\"\nisolate = false\n",
      NULL);
  const adze_pipeline_stage *clip = &pipeline->stages[0];
  ADZE_AUTO_FREE char *model = adze_text_format ("%s/m.safetensors", p->folder);
  assert_string_equal (pipeline->name, "n");
  assert_int_equal (pipeline->seed, 9);
  assert_true (pipeline->max_rss == (uint64_t)2 << 30);
  assert_int_equal (pipeline->threads, 3);
  assert_string_equal (pipeline->delegate, "warn");
  assert_string_equal (pipeline->backend, "ref");
  assert_int_equal (pipeline->structure_limit, 1000);
  assert_string_equal (pipeline->inputs[0].path, model);
  assert_string_equal (pipeline->folder, p->folder);
  assert_int_equal (clip->isolate, 1);
  assert_int_equal (clip->time_limit_ms, 1500);
  assert_int_equal (clip->memory_limit, 1 << 20);
  assert_true (clip->fallback_is_error);
  assert_false (clip->no_effect_is_error);
  assert_string_equal (adze_expression_text (clip->require), "clipped > 0");
  /* The parameters alone. */
  assert_int_equal (clip->settings->count, 1);
  assert_true (adze_value_get (clip->settings, "percentile")->integer == 50);
  assert_int_equal (pipeline->stages[1].isolate, -1);
  assert_null (pipeline->stages[1].settings);
  adze_pipeline_close (pipeline);
}

static void
test_a_pipeline_without_name_has_its_file_s (void **state)
{
  adze_pipeline *pipeline = must_read (*state, HEAD "[[stage]]\nuse = \"profile\"\n", NULL);
  assert_string_equal (pipeline->name, "p");
  assert_int_equal (pipeline->seed, 0);
  adze_pipeline_close (pipeline);
}

static void
test_the_last_rule_that_matches_holds (void **state)
{
  adze_pipeline *pipeline = must_read (*state,
                                       HEAD "[[stage]]\nuse = \"clip-tensor\"\n"
                                            "[[stage.rule]]\nmatch = \"fc*\"\nskip = true\n"
                                            "[[stage.rule]]\nmatch = \"*.bias\"\npercentile = 1\n",
                                       NULL);
  const adze_pipeline_stage *stage = &pipeline->stages[0];
  assert_ptr_equal (adze_pipeline_rule_for (stage, "fc1.weight"), &stage->rules[0]);
  assert_ptr_equal (adze_pipeline_rule_for (stage, "fc1.bias"), &stage->rules[1]);
  assert_null (adze_pipeline_rule_for (stage, "conv.weight"));
  assert_true (stage->rules[0].skip && !stage->rules[0].settings);
  /* Nothing is filled in that the rule does not say. */
  assert_int_equal (stage->rules[1].settings->count, 1);
  adze_pipeline_close (pipeline);
}

/* ---- --set */

static void
test_settings_take_the_place_of_what_is_written (void **state)
{
  static const char *const settings[] = { "seed=3",
                                          "stage.clip.percentile=1",
                                          "stage.clip.percentile = 2.5",
                                          "run.max-rss=1KiB",
                                          "stage.clip.rule.0.match=a*",
                                          "output.0.path=set.safetensors",
                                          "name=7up",
                                          "stage.clip.inputs.model=input.other",
                                          NULL };
  adze_pipeline *pipeline
      = must_read (*state,
                   "seed = 1\n" HEAD OTHER "[[stage]]\nuse = \"clip\"\npercentile = 99\n"
                   "[[stage.rule]]\nmatch = \"b*\"\nskip = true\n"
                   "[[output]]\npath = \"o.safetensors\"\n",
                   settings);
  const adze_pipeline_stage *clip = &pipeline->stages[0];
  const adze_value *percentile = adze_value_get (clip->settings, "percentile");
  assert_int_equal (pipeline->seed, 3);
  assert_string_equal (pipeline->name, "7up");
  assert_int_equal (pipeline->max_rss, 1024);
  /* The later of two counts. */
  assert_true (percentile->real == 2.5);
  assert_string_equal (percentile->origin->path, "<--set stage.clip.percentile>");
  assert_non_null (adze_pipeline_rule_for (clip, "abc"));
  assert_null (adze_pipeline_rule_for (clip, "bcd"));
  assert_non_null (strstr (pipeline->outputs[0].path, "/set.safetensors"));
  bound (&clip->bindings[0], ADZE_FROM_INPUT, 1, NULL);
  adze_pipeline_close (pipeline);
}

static void
test_a_model_can_come_from_the_command_line (void **state)
{
  static const char *const settings[] = { "model.path=m.safetensors", NULL };
  static const char *const other[] = { "model.path=sub/t.safetensors", NULL };
  adze_pipeline *pipeline = must_read (*state, "adze = 1\n[[stage]]\nuse = \"clip\"\n", settings);
  bound (&pipeline->stages[0].bindings[0], ADZE_FROM_INPUT, 0, NULL);
  adze_pipeline_close (pipeline);
  /* In its long form it is the same one. */
  pipeline = must_read (*state,
                        "adze = 1\n[input.model]\nkind = \"model\"\npath = \"m.safetensors\"\n"
                        "[[stage]]\nuse = \"clip\"\n",
                        other);
  assert_int_equal (pipeline->input_count, 1);
  assert_non_null (strstr (pipeline->inputs[0].path, "/sub/t.safetensors"));
  adze_pipeline_close (pipeline);
}

static void
test_settings_keep_the_type_that_they_look_like (void **state)
{
  static const char *const settings[]
      = { "stage.rename.names={a=\"b\"}", "stage.rename.prefix-from='7'",
          "stage.rename.prefix-to=x.y", "stage.rename.unmatched=ignore", NULL };
  adze_pipeline *pipeline = must_read (*state, HEAD "[[stage]]\nuse = \"rename\"\n", settings);
  const adze_value *values = pipeline->stages[0].settings;
  assert_string_equal (adze_value_get (adze_value_get (values, "names"), "a")->string, "b");
  assert_string_equal (adze_value_get (values, "prefix-from")->string, "7");
  assert_string_equal (adze_value_get (values, "prefix-to")->string, "x.y");
  adze_pipeline_close (pipeline);
}

/* ---- Complaints. */

static void
test_all_mistakes_come_in_order (void **state)
{
  static const char *const settings[] = { "stage.clip.percentile=0", NULL };
  static const char *const lines[] = { "2", "7", "9" };
  adze_pipeline *pipeline = NULL;
  ADZE_AUTO_ERROR error
      = read_text (*state,
                   "adze = 1\nsede = 1\n[model]\npath = \"m.safetensors\"\n[[output]]\n"
                   "path = \"o.safetensors\"\nfrom = \"clap.model\"\n[[stage]]\nuse = \"cilp\"\n"
                   "[[stage]]\nuse = \"clip\"\n",
                   settings, &pipeline);
  assert_null (pipeline);
  assert_non_null (strstr (adze_error_message (error), "has 4 mistakes"));
  assert_int_equal (adze_error_status (error), ADZE_E_FORMAT);
  for (size_t i = 0; i < ADZE_COUNT_OF (lines); i++)
    assert_string_equal (adze_error_fact (adze_error_part (error, i), "line"), lines[i]);
  assert_null (adze_error_part (error, 4));
  /* A setting has one line only. */
  assert_null (adze_error_fact (adze_error_part (error, 3), "line"));
  assert_string_equal (adze_error_fact (adze_error_part (error, 3), "file"),
                       "--set stage.clip.percentile");
  ADZE_AUTO_ERROR copy = adze_error_copy (error);
  ADZE_AUTO_FREE char *text = adze_error_text (error);
  ADZE_AUTO_FREE char *again = adze_error_text (copy);
  assert_string_equal (text, again);
}

static void
test_a_bad_setting_is_a_bad_command_line (void **state)
{
  static const char *const settings[] = { "stage.clip.percentile=0", NULL };
  adze_pipeline *pipeline = NULL;
  ADZE_AUTO_ERROR error
      = read_text (*state, HEAD "[[stage]]\nuse = \"clip\"\n", settings, &pipeline);
  assert_int_equal (adze_error_status (error), ADZE_E_PARAM);
  assert_string_equal (adze_error_fact (error, "source"), settings[0]);
}

/* Whatever makes thousands of mistakes, nobody reads that far. */
static void
test_mistakes_without_end_have_one (void **state)
{
  adze_pipeline *pipeline = NULL;
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_buffer_text (&text, HEAD);
  for (int i = 0; i < 4000; i++)
    adze_buffer_text (&text, "[[stage]]\nuse = \"clipp\"\nid = \"X\"\n");
  ADZE_AUTO_ERROR error = read_text (*state, text.data, NULL, &pipeline);
  assert_non_null (
      strstr (adze_error_message (error), "has 8000 mistakes; these are the first 100"));
  assert_non_null (adze_error_part (error, 99));
  assert_null (adze_error_part (error, 100));
  for (int i = 0; i < 97; i++)
    adze_buffer_text (&text, "[[stage]]\nuse = \"clip\"\n");
  ADZE_AUTO_ERROR many = read_text (*state, text.data, NULL, &pipeline);
  assert_non_null (
      strstr (adze_error_message (many), "there are 4097 of these, and there can be 4096"));
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_ports_left_out_take_the_newest),
    cmocka_unit_test (test_ports_take_what_they_are_told),
    cmocka_unit_test (test_host_keys),
    cmocka_unit_test (test_a_pipeline_without_name_has_its_file_s),
    cmocka_unit_test (test_the_last_rule_that_matches_holds),
    cmocka_unit_test (test_settings_take_the_place_of_what_is_written),
    cmocka_unit_test (test_a_model_can_come_from_the_command_line),
    cmocka_unit_test (test_settings_keep_the_type_that_they_look_like),
    cmocka_unit_test (test_all_mistakes_come_in_order),
    cmocka_unit_test (test_a_bad_setting_is_a_bad_command_line),
    cmocka_unit_test (test_mistakes_without_end_have_one),
  };
  return cmocka_run_group_tests_name ("pipeline", tests, set_up, tear_down);
}
