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
  assert_string_equal (text, "7a75c00eff061ddfc8387d3d1af3035b");
  adze_key_cleanup (&key);
}

static void
must_explain (const char *place, adze_key old, adze_key now, const char *wanted)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_key_explain (old.parts, now.parts, place, &text);
  assert_string_equal (text.data ? text.data : "", wanted);
  adze_key_cleanup (&old);
  adze_key_cleanup (&now);
}

static void
people_are_told_what_changed (void **state)
{
  (void)state;
  must_explain (NULL, KEY ({ "seed", "7" }), KEY ({ "seed", "7" }), "");
  must_explain (NULL, KEY ({ "seed", "7" }), KEY ({ "seed", "8" }), "seed was 7, is 8\n");
  must_explain (NULL, KEY ({ "param.percentile", "99" }), KEY ({ "param.percentile", "99.9" }),
                "parameter percentile was 99, is 99.9\n");
  must_explain (NULL, KEY ({ "seed", "7" }), KEY ({ "seed", "7" }, { "param.match", "fc*" }),
                "parameter match was not given, is fc*\n");
  must_explain (NULL, KEY ({ "param.match", "fc*" }, { "seed", "7" }), KEY ({ "seed", "7" }),
                "parameter match was fc*, is not given\n");
  must_explain (NULL, KEY ({ "backend", "ref" }, { "param.x", "a" }),
                KEY ({ "backend", "onednn" }, { "param.x", "b\nc" }),
                "backend was ref, is onednn\nparameter x changed\n");
  /* What becomes of it, and who ran with whom, is told where more is known of that. */
  must_explain (NULL, KEY ({ "stage", "clip" }, { "kept", "file" }),
                KEY ({ "stage", "clip, cast" }, { "kept", "result" }), "");
}

static void
things_with_a_hash_are_called_by_name (void **state)
{
  (void)state;
  must_explain (NULL, KEY ({ "input.model", "1f" }, { "name.input.model", "model.safetensors" }),
                KEY ({ "input.model", "2f" }, { "name.input.model", "model.safetensors" }),
                "input model.safetensors changed\n");
  must_explain (NULL, KEY ({ "input.teacher", "1f" }), KEY ({ "input.teacher", "2f" }),
                "input teacher changed\n");
  must_explain (NULL, KEY ({ "file.masks", "1f" }), KEY ({ "file.masks", "2f" }),
                "the file of parameter masks changed\n");
  must_explain (NULL, KEY ({ "seed", "7" }), KEY ({ "seed", "7" }, { "input.teacher", "2f" }),
                "input teacher was not given, is given\n");
}

/* Another file is no file that changed. */
static void
another_file_is_told_by_both_names (void **state)
{
  (void)state;
  must_explain (NULL, KEY ({ "input.model", "1f" }, { "name.input.model", "a.gguf" }),
                KEY ({ "input.model", "2f" }, { "name.input.model", "b.gguf" }),
                "input model was a.gguf, is b.gguf\n");
  must_explain ("t", KEY ({ "t/file.masks", "1f" }, { "t/name.file.masks", "a" }),
                KEY ({ "t/file.masks", "2f" }, { "t/name.file.masks", "b" }),
                "stage t: the file of parameter masks was a, is b\n");
  must_explain ("t", KEY ({ "t/file.masks", "1f" }, { "t/name.file.masks", "a" }),
                KEY ({ "t/seed", "2f" }),
                "stage t: seed was not given, is 2f\n"
                "stage t: the file of parameter masks was a, is not given\n");
}

/* One line, and not one of each parameter of its source. */
static void
a_port_that_is_bound_is_one_change (void **state)
{
  (void)state;
  must_explain ("t", KEY ({ "t/param.x", "1" }),
                KEY ({ "t/param.x", "1" }, { "t/port data/source", "csv" },
                     { "t/port data/plugin", "csv 1" }, { "t/port data/file.path", "1f" }),
                "stage t: port data: source was not given, is csv\n");
}

static void
libraries_are_called_by_name (void **state)
{
  (void)state;
#define BOUND(name, content) KEY ({ "library", name }, { "library.content", content })
  must_explain (NULL, BOUND ("libm.so.6", "1f"), BOUND ("libm.so.6", "2f"),
                "library libm.so.6 was replaced\n");
  must_explain (NULL, BOUND ("libm.so.6", "1f"), BOUND ("libmvec.so.1", "2f"),
                "library was libm.so.6, is libmvec.so.1\n");
  must_explain (NULL, KEY ({ "seed", "7" }), KEY ({ "seed", "7" }, { "library", "libm.so.6" }), "");
#undef BOUND
#define BINDS(build) KEY ({ "plugin", "maths 1" }, { "build", build }, { "library", "libm.so.6" })
  must_explain (NULL, BINDS ("b"), BINDS ("c"), "the manifest of plugin maths 1 changed\n");
#undef BINDS
}

/* What another build of its reader finds in an input may be no change of the input. */
static void
readers_are_told_from_what_they_read (void **state)
{
  (void)state;
#define READ(file, content, plugin, build) \
  KEY ({ "clip/input.model", content }, { "clip/name.input.model", file }, \
       { "clip/reader.model", plugin }, { "clip/reader-build.model", build })
  must_explain ("clip", READ ("m.gguf", "1f", "gguf 1", "b"), READ ("m.gguf", "2f", "gguf 1", "b"),
                "stage clip: input m.gguf changed\n");
  must_explain ("clip", READ ("m.gguf", "1f", "gguf 1", "b"), READ ("m.gguf", "1f", "gguf 1", "c"),
                "stage clip: plugin gguf 1, which reads m.gguf, was rebuilt\n");
  must_explain ("clip", READ ("m.gguf", "1f", "gguf 1", "b"), READ ("m.gguf", "2f", "gguf 1", "c"),
                "stage clip: input m.gguf holds something else, or that plugin finds something else "
                "in it\n"
                "stage clip: plugin gguf 1, which reads m.gguf, was rebuilt\n");
  must_explain ("clip", READ ("m.gguf", "1f", "gguf 1", "b"), READ ("m.gguf", "2f", "gguf 2", "c"),
                "stage clip: input m.gguf holds something else, or that plugin finds something else "
                "in it\n"
                "stage clip: the reader of m.gguf was gguf 1, is gguf 2\n");
  must_explain ("clip", READ ("m.gguf", "1f", "gguf 1", "b"), READ ("m.onnx", "1f", "onnx 1", "c"),
                "stage clip: the reader of m.onnx was gguf 1, is onnx 1\n");
  must_explain ("clip", READ ("m.gguf", "1f", "gguf 1", "b"), READ ("m.onnx", "2f", "onnx 1", "c"),
                "stage clip: input model was m.gguf, is m.onnx\n");
#undef READ
}

/* What a stage gives is no input that changed. */
static void
what_a_stage_gives_is_left_out (void **state)
{
  (void)state;
#define GIVEN(hash, stage) \
  KEY ({ "cast/input.model", hash }, { "cast/name.from.input.model", stage })
  must_explain ("cast", GIVEN ("1f", "clip"), GIVEN ("2f", "clip"), "");
  must_explain ("cast", GIVEN ("1f", "clip"), KEY ({ "cast/input.model", "2f" }), "");
  must_explain ("cast", KEY ({ "cast/input.model", "1f" }), GIVEN ("2f", "clip"), "");
#undef GIVEN
}

/* A place, and what is below it, and nothing beside it. */
static void
one_place_is_looked_at (void **state)
{
  (void)state;
#define TWO(value) \
  KEY ({ "seed", value }, { "clip/param.x", value }, { "clip-2/param.x", value }, \
       { "the output/param.align", value })
  must_explain (NULL, TWO ("1"), TWO ("2"), "seed was 1, is 2\n");
  must_explain ("clip", TWO ("1"), TWO ("2"), "stage clip: parameter x was 1, is 2\n");
  must_explain (ADZE_KEY_OUTPUT, TWO ("1"), TWO ("2"),
                "the output: parameter align was 1, is 2\n");
#undef TWO
}

static void
a_plugin_is_rebuilt_or_another (void **state)
{
  (void)state;
  must_explain (NULL, KEY ({ "plugin", "clip 0.1.0" }, { "build", "blake2b:1" }),
                KEY ({ "plugin", "clip 0.1.0" }, { "build", "blake2b:2" }),
                "plugin clip 0.1.0 was rebuilt\n");
  must_explain (NULL, KEY ({ "plugin", "clip 0.1.0" }, { "build", "blake2b:1" }),
                KEY ({ "plugin", "clip 0.2.0" }, { "build", "blake2b:2" }),
                "plugin was clip 0.1.0, is clip 0.2.0\n");
}

static void
a_stage_is_named_where_there_are_several (void **state)
{
  (void)state;
  must_explain ("clip", KEY ({ "clip/plugin", "clip 1" }, { "clip/build", "1" }, { "cast/build", "1" }),
                KEY ({ "clip/plugin", "clip 1" }, { "clip/build", "2" }, { "cast/build", "1" }),
                "stage clip: plugin clip 1 was rebuilt\n");
}

static void
places_within_a_stage_are_named (void **state)
{
  (void)state;
  must_explain ("qat", KEY ({ "qat/port data/file.path", "1f" }), KEY ({ "qat/port data/file.path", "2f" }),
                "stage qat: port data: the file of parameter path changed\n");
  must_explain ("clip", KEY ({ "clip/rule 2/param.bits", "4" }), KEY ({ "clip/rule 2/param.bits", "8" }),
                "stage clip: rule 2: parameter bits was 4, is 8\n");
  must_explain ("qat", KEY ({ "qat/codec/plugin", "int8 1" }, { "qat/codec/build", "1" }, { "qat/build", "1" }),
      KEY ({ "qat/codec/plugin", "int8 1" }, { "qat/codec/build", "2" }, { "qat/build", "1" }),
      "stage qat: codec: plugin int8 1 was rebuilt\n");
  /* What a map's entries are called may have slashes. */
  must_explain ("qat", KEY ({ "qat/file.masks.a/b", "1f" }), KEY ({ "qat/file.masks.a/b", "2f" }),
                "stage qat: the file of parameter masks.a/b changed\n");
  must_explain ("qat", KEY ({ "qat/port data/name.file.path", "a" }),
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
    cmocka_unit_test (libraries_are_called_by_name),
    cmocka_unit_test (readers_are_told_from_what_they_read),
    cmocka_unit_test (what_a_stage_gives_is_left_out),
    cmocka_unit_test (one_place_is_looked_at),
    cmocka_unit_test (another_file_is_told_by_both_names),
    cmocka_unit_test (a_port_that_is_bound_is_one_change),
    cmocka_unit_test (a_plugin_is_rebuilt_or_another),
    cmocka_unit_test (a_stage_is_named_where_there_are_several),
    cmocka_unit_test (places_within_a_stage_are_named),
  };
  return cmocka_run_group_tests_name ("keys of results", tests, NULL, NULL);
}
