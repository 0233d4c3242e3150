/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of results: which parts count, and how people are told what changed. */
#include "run-world.h"

typedef struct part {
  const char *name, *value;
} part;

static adze_key
make_key (const part *parts)
{
  adze_key key = { 0 };
  for (size_t i = 0; parts[i].name; i++)
    must (adze_key_add (&key, parts[i].name, parts[i].value));
  return key;
}

#define KEY(...) make_key ((const part[]){ __VA_ARGS__, { 0 } })

static bool
same (adze_key a, adze_key b)
{
  adze_hash128 one = adze_key_hash (&a), other = adze_key_hash (&b);
  adze_key_cleanup (&a);
  adze_key_cleanup (&b);
  return adze_hash_equal (one, other);
}

static void
every_part_counts (void **state)
{
  (void)state;
  assert_true (same (KEY ({ "seed", "7" }), KEY ({ "seed", "7" })));
  assert_false (same (KEY ({ "seed", "7" }), KEY ({ "seed", "8" })));
  assert_false (same (KEY ({ "seed", "7" }), KEY ({ "sead", "7" })));
  assert_false (same (KEY ({ "a", "1" }), KEY ({ "a", "1" }, { "b", "2" })));
  assert_false (same (KEY ({ "a", "1" }, { "b", "2" }), KEY ({ "b", "2" }, { "a", "1" })));
}

/* The same letters, cut elsewhere. */
static void
parts_do_not_run_together (void **state)
{
  (void)state;
  assert_false (same (KEY ({ "ab", "c" }), KEY ({ "a", "bc" })));
  assert_false (same (KEY ({ "a", "" }, { "b", "" }), KEY ({ "a", "b" })));
  assert_false (same (KEY ({ "a", "bc" }, { "d", "" }), KEY ({ "a", "b" }, { "cd", "" })));
}

static void
what_a_thing_is_called_does_not_count (void **state)
{
  (void)state;
  assert_true (same (KEY ({ "input.model", "1f" }, { "name.input.model", "a.gguf" }),
                     KEY ({ "input.model", "1f" }, { "name.input.model", "b.gguf" })));
  assert_true (same (KEY ({ "clip/input.model", "1f" }, { "clip/name.input.model", "a" }),
                     KEY ({ "clip/input.model", "1f" })));
}

static void
a_part_is_given_once (void **state)
{
  (void)state;
  adze_key key = KEY ({ "seed", "7" });
  must_fail (adze_key_add (&key, "seed", "8"), ADZE_E_INTERNAL, "'seed'", NULL);
  adze_key_cleanup (&key);
}

/* A hash in files that were written yesterday must be today's. */
static void
the_hash_stays_the_same (void **state)
{
  (void)state;
  char text[ADZE_HASH_TEXT];
  adze_key key = KEY ({ "stage", "clip" }, { "param.percentile", "99.9" });
  adze_hash_text (adze_key_hash (&key), text);
  assert_string_equal (text, "87c88b06236fce79bba4af26f194a45d");
  adze_key_cleanup (&key);
}

static void
must_explain_again (adze_key old, adze_key now, const adze_value *again, const char *wanted)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_key_explain (old.parts, now.parts, again, &text);
  assert_string_equal (text.data ? text.data : "", wanted);
  adze_key_cleanup (&old);
  adze_key_cleanup (&now);
}

static void
must_explain (adze_key old, adze_key now, const char *wanted)
{
  must_explain_again (old, now, NULL, wanted);
}

static void
people_are_told_what_changed (void **state)
{
  (void)state;
  must_explain (KEY ({ "seed", "7" }), KEY ({ "seed", "7" }), "");
  must_explain (KEY ({ "seed", "7" }), KEY ({ "seed", "8" }), "seed was 7, is 8\n");
  must_explain (KEY ({ "param.percentile", "99" }), KEY ({ "param.percentile", "99.9" }),
                "parameter percentile was 99, is 99.9\n");
  must_explain (KEY ({ "seed", "7" }), KEY ({ "seed", "7" }, { "param.match", "fc*" }),
                "parameter match was not given, is fc*\n");
  must_explain (KEY ({ "param.match", "fc*" }, { "seed", "7" }), KEY ({ "seed", "7" }),
                "parameter match was fc*, is not given\n");
  must_explain (KEY ({ "backend", "ref" }, { "rules", "a" }),
                KEY ({ "backend", "onednn" }, { "rules", "b\nc" }),
                "backend was ref, is onednn\nthe rules changed\n");
  must_explain (KEY ({ "order", "clip, cast" }), KEY ({ "order", "cast, clip" }),
                "the order of the stages was clip, cast, is cast, clip\n");
  must_explain (KEY ({ "format.small.gguf", "gguf align=32" }),
                KEY ({ "format.small.gguf", "gguf align=64" }),
                "format of small.gguf was gguf align=32, is gguf align=64\n");
}

static void
things_with_a_hash_are_called_by_name (void **state)
{
  (void)state;
  must_explain (KEY ({ "input.model", "1f" }, { "name.input.model", "model.safetensors" }),
                KEY ({ "input.model", "2f" }, { "name.input.model", "model.safetensors" }),
                "input model.safetensors changed\n");
  must_explain (KEY ({ "input.teacher", "1f" }), KEY ({ "input.teacher", "2f" }),
                "input teacher changed\n");
  must_explain (KEY ({ "file.masks", "1f" }), KEY ({ "file.masks", "2f" }),
                "the file of parameter masks changed\n");
  must_explain (KEY ({ "seed", "7" }), KEY ({ "seed", "7" }, { "input.teacher", "2f" }),
                "input teacher is new\n");
}

/* What a stage gives is no input that changed. */
static void
stages_give_another_result (void **state)
{
  (void)state;
  ADZE_AUTO_VALUE again = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_bool (again, "clip", true);
  assert_false (adze_json_failed (again));
#define GIVEN(hash, stage) \
  KEY ({ "cast/input.model", hash }, { "cast/name.from.input.model", stage })
  must_explain_again (GIVEN ("1f", "clip"), GIVEN ("2f", "clip"), again,
                      "stage cast: what stage clip gives is done again\n");
  must_explain_again (GIVEN ("1f", "fault"), GIVEN ("2f", "fault"), again,
                      "stage cast: what stage fault gives is another result than the last time\n");
  must_explain_again (GIVEN ("1f", "fault"), GIVEN ("2f", "clip"), again,
                      "stage cast: input model changed\n");
  must_explain_again (GIVEN ("1f", "clip"), GIVEN ("1f", "clip"), again, "");
#undef GIVEN
}

static void
a_plugin_is_rebuilt_or_another (void **state)
{
  (void)state;
  must_explain (KEY ({ "plugin", "clip 0.1.0" }, { "build", "blake2b:1" }),
                KEY ({ "plugin", "clip 0.1.0" }, { "build", "blake2b:2" }),
                "plugin clip 0.1.0 was rebuilt\n");
  must_explain (KEY ({ "plugin", "clip 0.1.0" }, { "build", "blake2b:1" }),
                KEY ({ "plugin", "clip 0.2.0" }, { "build", "blake2b:2" }),
                "plugin was clip 0.1.0, is clip 0.2.0\n");
}

static void
a_stage_is_named_where_there_are_several (void **state)
{
  (void)state;
  must_explain (KEY ({ "clip/plugin", "clip 1" }, { "clip/build", "1" }, { "cast/build", "1" }),
                KEY ({ "clip/plugin", "clip 1" }, { "clip/build", "2" }, { "cast/build", "1" }),
                "stage clip: plugin clip 1 was rebuilt\n");
}

static void
places_within_a_stage_are_named (void **state)
{
  (void)state;
  must_explain (KEY ({ "qat/port data/file.path", "1f" }), KEY ({ "qat/port data/file.path", "2f" }),
                "stage qat: port data: the file of parameter path changed\n");
  must_explain (KEY ({ "clip/rule 2/param.bits", "4" }), KEY ({ "clip/rule 2/param.bits", "8" }),
                "stage clip: rule 2: parameter bits was 4, is 8\n");
  must_explain (
      KEY ({ "qat/codec/plugin", "int8 1" }, { "qat/codec/build", "1" }, { "qat/build", "1" }),
      KEY ({ "qat/codec/plugin", "int8 1" }, { "qat/codec/build", "2" }, { "qat/build", "1" }),
      "stage qat: codec: plugin int8 1 was rebuilt\n");
  /* What a map's entries are called may have slashes. */
  must_explain (KEY ({ "qat/file.masks.a/b", "1f" }), KEY ({ "qat/file.masks.a/b", "2f" }),
                "stage qat: the file of parameter masks.a/b changed\n");
  must_explain (KEY ({ "qat/port data/name.file.path", "a" }),
                KEY ({ "qat/port data/name.file.path", "b" }), "");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (every_part_counts),
    cmocka_unit_test (parts_do_not_run_together),
    cmocka_unit_test (what_a_thing_is_called_does_not_count),
    cmocka_unit_test (a_part_is_given_once),
    cmocka_unit_test (the_hash_stays_the_same),
    cmocka_unit_test (people_are_told_what_changed),
    cmocka_unit_test (things_with_a_hash_are_called_by_name),
    cmocka_unit_test (stages_give_another_result),
    cmocka_unit_test (a_plugin_is_rebuilt_or_another),
    cmocka_unit_test (a_stage_is_named_where_there_are_several),
    cmocka_unit_test (places_within_a_stage_are_named),
  };
  return cmocka_run_group_tests_name ("keys of results", tests, NULL, NULL);
}
