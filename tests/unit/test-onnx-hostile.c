/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX files that are not what they say: each is refused with its file, the place and what is
 * wrong, and none makes the reader allocate, recurse or work beyond what the file has. */
#include <malloc.h>

#include "onnx-files.h"
#include "static-build.h"

/* The file of these bytes is refused with all of the parts in its message. */
#define REFUSED(content, status, ...) \
  do { \
    adze_model *model_ = NULL; \
    const char *path_ = store (w, "bad.onnx", content); \
    must_fail (adze_model_open (w->runtime, path_, NULL, &model_), status, path_, __VA_ARGS__, \
               NULL); \
    assert_null (model_); \
  } while (0)

/* A tensor of one f32 named w, and then MORE of it. */
static bytes
tensor_and (bytes more)
{
  return model_of (both (head (1, FLOAT, "w"), more));
}

/* ---- The wire. */

static void
fields_that_no_writer_makes_are_refused (void **state)
{
  world *w = *state;
  REFUSED (TEXT (""), ADZE_E_FORMAT, "no graph");
  REFUSED (number (1, 8), ADZE_E_FORMAT, "byte 2", "no graph");
  REFUSED (both (number (1, 8), TEXT ("\x3a\x85")), ADZE_E_FORMAT, "byte 3", "damaged or cut off");
  REFUSED (both (number (1, 8), TEXT ("\x3a\x05\x12")), ADZE_E_FORMAT, "field 7 has 5 bytes",
           "only 1 more");
  REFUSED (both (number (1, 8), TEXT ("\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")),
           ADZE_E_FORMAT, "field 7 has 18446744073709551615 bytes");
  REFUSED (both (number (1, 8), TEXT ("\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")),
           ADZE_E_FORMAT, "more than 64 bits");
  REFUSED (both (number (1, 8), TEXT ("\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02")),
           ADZE_E_FORMAT, "more than 64 bits");
  REFUSED (both (number (1, 8), TEXT ("\x3b\x3c")), ADZE_E_FORMAT, "field 7", "group",
           "wire type 3");
  REFUSED (both (number (1, 8), TEXT ("\x3c")), ADZE_E_FORMAT, "group", "wire type 4");
  REFUSED (both (number (1, 8), TEXT ("\x3e")), ADZE_E_FORMAT, "wire type 6", "does not exist");
  REFUSED (both (number (1, 8), TEXT ("\x3f")), ADZE_E_FORMAT, "wire type 7");
  REFUSED (both (number (1, 8), TEXT ("\x02")), ADZE_E_FORMAT, "a field has the number 0");
  REFUSED (both (number (1, 8), TEXT ("\xff\xff\xff\xff\xff\x01")), ADZE_E_FORMAT,
           "a field has the number 8589934591");
  REFUSED (both (number (1, 8), TEXT ("\xba\x00\x01z")), ADZE_E_FORMAT, "more bytes than it needs");
  REFUSED (both (number (1, 8), TEXT ("\x21zzzz")), ADZE_E_FORMAT, "field 4 has 8 bytes");
  REFUSED (both (number (1, 8), TEXT ("\x25zz")), ADZE_E_FORMAT, "field 4 has 4 bytes");
}

static void
messages_that_do_not_fit_their_place_are_refused (void **state)
{
  world *w = *state;
  REFUSED (both (number (1, 8), number (7, 1)), ADZE_E_FORMAT, "field 7 is no message");
  REFUSED (both (model (TEXT ("")), message (7, STRING (2, "h"))), ADZE_E_FORMAT, "two graphs");
  REFUSED (model (number (5, 1)), ADZE_E_FORMAT, "field 5 is no message");
  REFUSED (model (number (1, 1)), ADZE_E_FORMAT, "field 1 is no message");
  REFUSED (model (message (1, number (5, 1))), ADZE_E_FORMAT, "field 5 is no message");
  REFUSED (model (message (1, message (5, number (6, 1)))), ADZE_E_FORMAT, "field 6 is no message");
  REFUSED (model (message (1, message (5, both (message (6, TEXT ("")), message (6, TEXT ("")))))),
           ADZE_E_FORMAT, "two values");
  /* A node that is longer than the graph says that it is. */
  REFUSED (both (number (1, 8), TEXT ("\x3a\x03\x0a\x05\x0a\x03zzz")), ADZE_E_FORMAT,
           "field 1 has 5 bytes", "only 1 more");
  REFUSED (both (model (TEXT ("")), number (14, 1)), ADZE_E_FORMAT, "metadata_props is no message");
  REFUSED (both (model (TEXT ("")), message (14, number (1, 1))), ADZE_E_FORMAT, "metadata_props",
           "field 1");
  REFUSED (ALL (model (TEXT ("")), pair (14, "k", "1"), pair (14, "k", "2")), ADZE_E_FORMAT,
           "\"k\"", "same name");
}

/* ---- Tensors. */

static void
tensors_that_contradict_themselves_are_refused (void **state)
{
  world *w = *state;
  REFUSED (model_of (both (number (1, 1), STRING (8, "w"))), ADZE_E_FORMAT, "'w'", "no data_type");
  REFUSED (model_of (head (1, 0, "w")), ADZE_E_FORMAT, "data_type 0");
  REFUSED (model_of (head (1, 99, "w")), ADZE_E_UNSUPPORTED, "data_type 99");
  REFUSED (model_of (head (1, UINT64_MAX, "w")), ADZE_E_UNSUPPORTED,
           "data_type 18446744073709551615");
  REFUSED (tensor_and (number (2, FLOAT)), ADZE_E_FORMAT, "'w'", "data_type twice");
  REFUSED (tensor_and (STRING (2, "1")), ADZE_E_FORMAT, "field 2", "wire type 2");
  REFUSED (tensor_and (STRING (8, "v")), ADZE_E_FORMAT, "two names");
  REFUSED (tensor_and (message (3, number (1, 0))), ADZE_E_UNSUPPORTED, "'w'", "segment");
  REFUSED (model_of (ALL (number (1, 1), number (2, FLOAT), STRING (9, "aaaa"))), ADZE_E_FORMAT,
           "without a name");
  REFUSED (
      model_of (ALL (number (1, 1), number (2, FLOAT), STRING (8, "a\0b"), STRING (9, "aaaa"))),
      ADZE_E_FORMAT, "'a'", "NUL");
  REFUSED (
      model_of (ALL (number (1, 1), number (2, FLOAT), STRING (8, "\xff"), STRING (9, "aaaa"))),
      ADZE_E_FORMAT, "UTF-8");
  REFUSED (
      model (both (initializer (raw_floats ("w", "aaaa")), initializer (raw_floats ("w", "aaaa")))),
      ADZE_E_FORMAT, "'w'", "twice in one graph");
  REFUSED (model (both (initializer (raw_floats ("w", "aaaa")),
                        constant ("w", raw_floats ("", "aaaa")))),
           ADZE_E_FORMAT, "'w'", "twice in one graph");
}

static void
impossible_shapes_are_refused (void **state)
{
  world *w = *state;
  REFUSED (model_of (head ((uint64_t)-3, FLOAT, "w")), ADZE_E_FORMAT, "dimension -3");
  REFUSED (model_of (ALL (number (1, INT64_MAX), number (1, INT64_MAX), head (2, FLOAT, "w"))),
           ADZE_E_FORMAT, "'w'", "product");
  REFUSED (model_of (ALL (number (1, (uint64_t)1 << 62), number (1, 0), number (1, 8),
                          head (1, FLOAT, "w"))),
           ADZE_E_FORMAT, "'w'", "product");
  bytes dimensions = { 0 };
  for (int i = 0; i < 33; i++)
    dimensions = both (dimensions, varint (1, 0));
  REFUSED (model_of (both (number (2, FLOAT), message (1, dimensions))), ADZE_E_FORMAT,
           "more than 32 dimensions");
  REFUSED (model_of (both (number (2, FLOAT), STRING (1, "\x81"))), ADZE_E_FORMAT,
           "damaged or cut off");
}

static void
numbers_that_are_not_the_shapes_are_refused (void **state)
{
  world *w = *state;
  REFUSED (tensor_and (STRING (12, "no data")), ADZE_E_FORMAT, "'w'", "no data",
           "1 numbers of FLOAT");
  REFUSED (tensor_and (STRING (9, "aaa")), ADZE_E_FORMAT, "3 bytes of raw_data", "take 4");
  REFUSED (tensor_and (STRING (9, "aaaabbbb")), ADZE_E_FORMAT, "8 bytes of raw_data");
  REFUSED (tensor_and (STRING (4, "aaaabbbb")), ADZE_E_FORMAT, "8 bytes of float_data");
  REFUSED (tensor_and (both (STRING (9, "aaaa"), STRING (9, "aaaa"))), ADZE_E_FORMAT,
           "raw_data twice");
  REFUSED (tensor_and (both (STRING (9, "aaaa"), STRING (4, "aaaa"))), ADZE_E_FORMAT, "raw_data",
           "float_data", "only one");
  REFUSED (tensor_and (STRING (7, "\1")), ADZE_E_FORMAT, "FLOAT in int64_data",
           "float_data or raw_data");
  REFUSED (tensor_and (STRING (6, "text")), ADZE_E_FORMAT, "FLOAT in string_data");
  REFUSED (tensor_and (number (9, 1)), ADZE_E_FORMAT, "field 9", "wire type 0");
  REFUSED (tensor_and (number (4, 1)), ADZE_E_FORMAT, "field 4", "wire type 0");
  REFUSED (model_of (both (head (1, STRINGS, "w"), STRING (9, "text"))), ADZE_E_FORMAT,
           "STRING in raw_data", "only be in string_data");
  REFUSED (
      model_of (both (head (3, FLOAT, "w"), both (STRING (4, "aaaabb"), STRING (4, "bbcccc")))),
      ADZE_E_FORMAT, "no whole number of numbers");
  REFUSED (model_of (both (head (2, INT64, "w"), STRING (7, "\1\2\3"))), ADZE_E_FORMAT,
           "more numbers in int64_data than the 2");
  REFUSED (model_of (both (head (2, INT64, "w"), STRING (7, "\x81\1"))), ADZE_E_FORMAT,
           "fewer numbers in int64_data");
  REFUSED (model_of (both (head ((uint64_t)1 << 40, INT64, "w"), STRING (7, "\1"))), ADZE_E_FORMAT,
           "1 bytes of int64_data", "1099511627776");
  REFUSED (model_of (both (head (1, INT64, "w"), STRING (7, "\x81"))), ADZE_E_FORMAT,
           "damaged or cut off");
  REFUSED (model_of (both (head (1, UINT8, "w"), number (5, 256))), ADZE_E_FORMAT, "value 256",
           "does not fit UINT8");
  REFUSED (model_of (both (head (1, INT8, "w"), number (5, (uint64_t)-129))), ADZE_E_FORMAT,
           "-129");
  REFUSED (model_of (both (head (1, BOOL, "w"), number (5, 2))), ADZE_E_FORMAT,
           "does not fit BOOL");
  REFUSED (model_of (both (head (1, UINT32, "w"), number (11, (uint64_t)1 << 32))), ADZE_E_FORMAT,
           "does not fit UINT32");
}

/* ---- External data. */

#define OUTSIDE(...) tensor_and (both (number (14, 1), __VA_ARGS__))

static void
external_data_that_is_not_there_is_refused (void **state)
{
  world *w = *state;
  run_command ("printf 'aaaabbbb' > '%s'", in_world (w, "w.bin"));
  run_command ("ln -s /etc/passwd '%s'", in_world (w, "link"));
  bytes here = pair (13, "location", "w.bin");
  REFUSED (OUTSIDE (STRING (12, "")), ADZE_E_FORMAT, "'w'", "names no file");
  REFUSED (OUTSIDE (pair (13, "location", "")), ADZE_E_FORMAT, "names no file");
  REFUSED (OUTSIDE (pair (13, "location", "../x")), ADZE_E_TRUST, "'../x'", "..");
  REFUSED (OUTSIDE (pair (13, "location", "/etc/passwd")), ADZE_E_TRUST, "absolute");
  REFUSED (OUTSIDE (pair (13, "location", "link")), ADZE_E_TRUST, "link");
  REFUSED (OUTSIDE (pair (13, "location", "missing")), ADZE_E_NOT_FOUND, "missing");
  REFUSED (OUTSIDE (message (13, both (STRING (1, "location"), STRING (2, "w.bin\0x")))),
           ADZE_E_FORMAT, "NUL");
  REFUSED (OUTSIDE (message (13, number (3, 1))), ADZE_E_FORMAT, "external_data", "field 3");
  REFUSED (OUTSIDE (both (here, pair (13, "location", "w.bin"))), ADZE_E_FORMAT, "location twice");
#define HERE(key, value) OUTSIDE (both (pair (13, "location", "w.bin"), pair (13, key, value)))
  REFUSED (HERE ("offset", "8"), ADZE_E_FORMAT, "\"w\"", "do not lie in the file");
  REFUSED (HERE ("offset", "9223372036854775807"), ADZE_E_FORMAT, "do not lie in the file");
  REFUSED (HERE ("offset", "99999999999999999999"), ADZE_E_FORMAT, "no number of bytes");
  REFUSED (HERE ("offset", "-4"), ADZE_E_FORMAT, "offset '-4'");
  REFUSED (HERE ("offset", "-9999999999999999999999"), ADZE_E_FORMAT,
           "offset '-9999999999999999999999'");
  REFUSED (HERE ("offset", "00000000000000000000000000000000000000000000000001"), ADZE_E_FORMAT,
           "offset '0000000000000000000000000000000000000000...'");
  REFUSED (HERE ("offset", ""), ADZE_E_FORMAT, "no number of bytes");
  REFUSED (HERE ("length", "5"), ADZE_E_FORMAT, "length 5", "take 4");
  REFUSED (tensor_and (ALL (STRING (9, "aaaa"), number (14, 1), pair (13, "location", "w.bin"))),
           ADZE_E_FORMAT, "raw_data and in external data");
  REFUSED (tensor_and (number (14, 2)), ADZE_E_FORMAT, "data_location 2");
  REFUSED (tensor_and (both (number (14, 0), number (14, 1))), ADZE_E_FORMAT,
           "data_location twice");
  bytes overlapping = ALL (head (1, FLOAT, "v"), number (14, 1), pair (13, "location", "w.bin"),
                           pair (13, "offset", "2"));
  bytes first = ALL (head (1, FLOAT, "w"), number (14, 1), pair (13, "location", "w.bin"));
  REFUSED (model (both (initializer (first), initializer (overlapping))), ADZE_E_FORMAT, "overlap");
}

/* ---- Size. */

/* The most heap that opening PATH takes; the result is thrown away. */
static size_t
heap_for (world *w, const char *path)
{
  adze_model *opened = NULL;
  malloc_trim (0);
  struct mallinfo2 before = mallinfo2 ();
  ADZE_AUTO_ERROR error = adze_model_open (w->runtime, path, NULL, &opened);
  adze_model_close (opened);
  struct mallinfo2 after = mallinfo2 ();
  return after.arena - before.uordblks;
}

/* Heap never goes back to the system and is never mapped apart, so that its size is its peak. */
static bool
heap_is_watched (void)
{
  if (sanitized ())
    return false;
  mallopt (M_MMAP_THRESHOLD, 1 << 30);
  mallopt (M_TRIM_THRESHOLD, INT32_MAX);
  mallopt (M_TOP_PAD, 0);
  return true;
}

static bytes
many (const char *content, size_t size, size_t count)
{
  bytes made = { 0 };
  for (size_t i = 0; i < count; i++)
    adze_buffer_add (&made, content, size);
  return made;
}

/* As many tensors as fit, each as short as can be, and each with a name of its own. */
static bytes
tiny_tensors (unsigned count)
{
  bytes made = { 0 };
  for (unsigned i = 0; i < count; i++) {
    char name[8];
    snprintf (name, sizeof name, "%x", i);
    made = both (made, initializer (ALL (number (2, UINT8), message (8, some (name, strlen (name))),
                                         STRING (9, "x"))));
  }
  return made;
}

static void
heap_is_bounded_by_the_structure (void **state)
{
  world *w = *state;
  if (!heap_is_watched ())
    skip ();
  adze_model *first = open_bytes (w, model_of (raw_floats ("a", "aaaa"))); /* loads the plugin */
  adze_model_close (first);
  struct {
    const char *what;
    bytes content;
  } files[] = {
    { "empty nodes", model (many ("\x0a\0", 2, 1000000)) },
    { "nodes with an empty attribute", model (many ("\x0a\2\x2a\0", 4, 300000)) },
    { "branches without anything", model (many ("\x0a\4\x2a\2\x32\0", 6, 300000)) },
    { "tiny tensors", model (tiny_tensors (60000)) },
    { "one name in many branches",
      model (many ("\x0a\x11\x2a\x0f\x32\x0d\x2a\x0b\x10\2\x42\1w\x4a\1x\x62\1d", 19, 60000)) },
    { "numbers of one byte each",
      model_of (both (head (1000000, INT64, "w"), message (7, many ("\1", 1, 1000000)))) },
    { "unknown fields", both (model (TEXT ("")), many ("\x98\6\1", 3, 300000)) },
  };
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    size_t size = files[i].content.size;
    const char *path = store (w, "large.onnx", files[i].content);
    size_t heap = heap_for (w, path);
    if (heap > 64 * size)
      fail_msg ("%s: %zu bytes of heap for %zu of structure", files[i].what, heap, size);
  }
}

static void
structure_has_a_limit (void **state)
{
  world *w = *state;
  adze_model *opened = NULL;
  adze_format_options options = { .structure_limit = 1000 };
  store (w, "in.onnx",
         both (model (initializer (raw_floats ("a", "aaaa"))), message (99, many ("z", 1, 900))));
  must (adze_model_open (w->runtime, in_world (w, "in.onnx"), &options, &opened));
  adze_model_close (opened);
  /* Each kind of structure by itself, and two of them together. */
  bytes larger[] = {
    both (model (TEXT ("")), message (99, many ("z", 1, 1000))),
    model (many ("\x0a\0", 2, 500)),
    both (model (TEXT ("")),
          message (14, both (STRING (1, "k"), message (2, many ("z", 1, 1000))))),
    model_of (both (head (1001, UINT8, "w"), message (5, many ("\1", 1, 1001)))),
    both (number (1, 8), many ("\x98\6\1", 3, 300000)),
    both (model_of (both (head (600, UINT8, "w"), message (5, many ("\1", 1, 600)))),
          message (99, many ("z", 1, 600))),
  };
  for (size_t i = 0; i < sizeof larger / sizeof larger[0]; i++) {
    store (w, "in.onnx", larger[i]);
    must_fail (adze_model_open (w->runtime, in_world (w, "in.onnx"), &options, &opened),
               ADZE_E_LIMIT, "limit", NULL);
  }
  /* Weights are none. */
  bytes weights = both (head (1000000, UINT8, "w"), message (9, many ("z", 1, 1000000)));
  store (w, "in.onnx", model_of (weights));
  must (adze_model_open (w->runtime, in_world (w, "in.onnx"), &options, &opened));
  adze_model_close (opened);
}

/* Graphs within graphs: COUNT of them, each in a node of the one before. */
static bytes
nested (unsigned count)
{
  bytes graph = STRING (2, "g");
  for (unsigned i = 1; i < count; i++)
    graph = message (1, message (5, message (6, graph)));
  return graph;
}

static void
depth_has_a_bound (void **state)
{
  world *w = *state;
  ADZE_AUTO_MODEL deep = open_bytes (w, model (nested (33)));
  REFUSED (model (nested (34)), ADZE_E_LIMIT, "more than 100 deep");
  /* 12,000 graphs, in 114 KB: a reader that follows them all runs out of stack. */
  REFUSED (model (nested (12000)), ADZE_E_LIMIT, "more than 100 deep");
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    WITH_ONNX (fields_that_no_writer_makes_are_refused),
    WITH_ONNX (messages_that_do_not_fit_their_place_are_refused),
    WITH_ONNX (tensors_that_contradict_themselves_are_refused),
    WITH_ONNX (impossible_shapes_are_refused),
    WITH_ONNX (numbers_that_are_not_the_shapes_are_refused),
    WITH_ONNX (external_data_that_is_not_there_is_refused),
    WITH_ONNX (heap_is_bounded_by_the_structure),
    WITH_ONNX (structure_has_a_limit),
    WITH_ONNX (depth_has_a_bound),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
