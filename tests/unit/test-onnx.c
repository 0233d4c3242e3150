/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX models in and out: which weights are found, that all else stays what it was, and what cannot
 * be written. */
#include "onnx-files.h"
#include "static-build.h"

/* ---- Reading. */

static void
weights_are_found_wherever_they_are (void **state)
{
  bytes inner
      = ALL (constant ("d", raw_floats ("", "dddd")), initializer (raw_floats ("e", "eeee")));
  ADZE_AUTO_MODEL found = open_bytes (
      *state, model (ALL (initializer (raw_floats ("a", "aaaa")),
                          constant ("b", raw_floats ("unused", "bbbbBBBB")),
                          branch (both (inner, branch (constant ("f", raw_floats ("", "ffff"))))),
                          initializer (raw_floats ("c", "cccc")))));
  static const char *const names[] = { "a", "b", "d", "e", "f", "c" };
  assert_int_equal (found->count, 6);
  for (size_t i = 0; i < 6; i++) {
    assert_string_equal (found->tensors[i].meta.name, names[i]);
    assert_int_equal (found->tensors[i].file, 0); /* read from where they are */
  }
  ASSERT_HOLDS (found, "b", "bbbbBBBB");
  ASSERT_HOLDS (found, "f", "ffff");
}

/* What is called Constant elsewhere is something else, and texts are no numbers. */
static void
other_tensors_stay_with_the_graph (void **state)
{
  bytes foreign = message (
      1, ALL (STRING (2, "y"), STRING (4, "Constant"), STRING (7, "elsewhere"),
              message (5, both (STRING (1, "value"), message (5, raw_floats ("", "yyyy"))))));
  bytes texts = ALL (number (1, 1), number (2, STRINGS), STRING (8, "s"), STRING (6, "text"));
  bytes shape = message (
      1, ALL (STRING (2, "z"), STRING (4, "ConstantOfShape"),
              message (5, both (STRING (1, "value"), message (5, raw_floats ("", "zzzz"))))));
  bytes unplaced = message (15, message (1, raw_floats ("sparse", "ssss")));
  ADZE_AUTO_MODEL found
      = open_bytes (*state, model (ALL (foreign, initializer (texts), shape, unplaced,
                                        initializer (raw_floats ("a", "aaaa")))));
  assert_int_equal (found->count, 1);
  must (write_model (*state, found, "out.onnx", ""));
  assert_same_files (*state, "in.onnx", "out.onnx");
}

static void
values_and_indices_of_sparse_ones_are_weights (void **state)
{
  const int64_t places[] = { 1, 5 };
  ADZE_AUTO_MODEL found
      = open_bytes (*state, model (ALL (sparse ("s", "1111aaaa", places, 1), initializer (raw_floats ("a", "aaaa")))));
  assert_int_equal (found->count, 3);
  ASSERT_HOLDS (found, "s", "1111aaaa");
  ASSERT_HOLDS (found, "s.indices", "\1\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0");
  must (write_model (*state, found, "out.onnx", ""));
  assert_same_files (*state, "in.onnx", "out.onnx");
}

static void
branches_may_use_the_same_name (void **state)
{
  world *w = *state;
  bytes graph = ALL (branch (initializer (raw_floats ("w", "1111"))),
                     branch (initializer (raw_floats ("w", "2222"))),
                     initializer (raw_floats ("w#2", "xxxx")),
                     branch (initializer (raw_floats ("w", "3333"))));
  ADZE_AUTO_MODEL found = open_bytes (w, model (graph));
  ASSERT_HOLDS (found, "w", "1111");
  ASSERT_HOLDS (found, "w#2", "xxxx");
  ASSERT_HOLDS (found, "w#3", "2222");
  ASSERT_HOLDS (found, "w#4", "3333");
  must (write_model (w, found, "out.onnx", ""));
  assert_same_files (w, "in.onnx", "out.onnx");
}

static void
every_type_is_known (void **state)
{
  static const struct {
    uint64_t type;
    const char *word;
    unsigned bits;
  } types[] = { { 1, "f32", 32 },         { 2, "u8", 8 },           { 3, "i8", 8 },
                { 4, "u16", 16 },         { 5, "i16", 16 },         { 6, "i32", 32 },
                { 7, "i64", 64 },         { 9, "bool", 8 },         { 10, "f16", 16 },
                { 11, "f64", 64 },        { 12, "u32", 32 },        { 13, "u64", 64 },
                { 14, "c64", 64 },        { 15, "c128", 128 },      { 16, "bf16", 16 },
                { 17, "f8_e4m3fn", 8 },   { 18, "f8_e4m3fnuz", 8 }, { 19, "f8_e5m2", 8 },
                { 20, "f8_e5m2fnuz", 8 }, { 21, "u4", 4 },          { 22, "i4", 4 },
                { 23, "f4_e2m1fn", 4 },   { 24, "f8_e8m0fnu", 8 },  { 25, "u2", 2 },
                { 26, "i2", 2 } };
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    /* Three elements: those of less than a byte end on a whole one. */
    size_t size = (3 * types[i].bits + 7) / 8;
    bytes content = some ("0123456789abcdef0123456789abcdef0123456789abcdef", size);
    ADZE_AUTO_MODEL found
        = open_bytes (*state, model_of (both (head (3, types[i].type, "w"), message (9, content))));
    assert_string_equal (adze_meta_type_word (&found->tensors[0].meta), types[i].word);
    assert_int_equal (found->tensors[0].meta.byte_size, size);
  }
}

static bytes
packed (const int64_t *values, size_t count)
{
  bytes made = { 0 };
  for (size_t i = 0; i < count; i++)
    made = both (made, varint ((uint64_t)values[i], 0));
  return made;
}

#define PACKED(...) \
  packed ((const int64_t[]){ __VA_ARGS__ }, \
          sizeof ((const int64_t[]){ __VA_ARGS__ }) / sizeof (int64_t))

/* The numbers VALUES of TYPE, in FIELD, become these bytes; written, they are in raw_data. */
#define DECODED(state, type, count, field, values, literal) \
  do { \
    ADZE_AUTO_MODEL found_ \
        = open_bytes (*state, model_of (both (head (count, type, "w"), message (field, values)))); \
    ASSERT_HOLDS (found_, "w", literal); \
    must (write_model (*state, found_, "out.onnx", "")); \
    ADZE_AUTO_MODEL again_ = open_model (*state, "out.onnx"); \
    ASSERT_HOLDS (again_, "w", literal); \
    assert_int_equal (again_->tensors[0].file, 0); \
  } while (0)

static void
numbers_in_varints_are_decoded (void **state)
{
  DECODED (state, INT64, 2, 7, PACKED (1, -2), "\1\0\0\0\0\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff");
  DECODED (state, INT32, 2, 5, PACKED (1, -2), "\1\0\0\0\xfe\xff\xff\xff");
  DECODED (state, INT32, 1, 5, PACKED (0xfffffffe), "\xfe\xff\xff\xff");
  DECODED (state, UINT8, 2, 5, PACKED (0, 255), "\0\xff");
  DECODED (state, INT8, 2, 5, PACKED (-128, 127), "\x80\x7f");
  DECODED (state, INT16, 1, 5, PACKED (-2), "\xfe\xff");
  DECODED (state, UINT16, 1, 5, PACKED (65535), "\xff\xff");
  DECODED (state, BOOL, 2, 5, PACKED (1, 0), "\1\0");
  DECODED (state, FLOAT16, 1, 5, PACKED (0x3c00), "\0\x3c");
  DECODED (state, BFLOAT16, 1, 5, PACKED (0xbf80), "\x80\xbf");
  DECODED (state, UINT32, 1, 11, PACKED (0xffffffff), "\xff\xff\xff\xff");
  DECODED (state, UINT64, 1, 11, PACKED (-1), "\xff\xff\xff\xff\xff\xff\xff\xff");
  /* Two to a byte; the list holds the bytes. */
  DECODED (state, INT4, 3, 5, PACKED (0xf1, 0x02), "\xf1\2");
  DECODED (state, UINT4, 3, 5, PACKED (0x21, 0x03), "\x21\3");
}

static void
numbers_may_be_in_pieces (void **state)
{
  world *w = *state;
  bytes floats = ALL (head (3, FLOAT, "w"),
                      TEXT ("\x25"
                            "aaaa"),
                      STRING (4, "bbbbcccc"));
  ADZE_AUTO_MODEL found = open_bytes (w, model_of (floats));
  ASSERT_HOLDS (found, "w", "aaaabbbbcccc");
  bytes integers = ALL (head (3, INT64, "w"), number (7, 1), message (7, PACKED (2, 3)));
  ADZE_AUTO_MODEL other = open_bytes (w, model_of (integers));
  ASSERT_HOLDS (other, "w", "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0");
  must (write_model (w, other, "out.onnx", ""));
  ADZE_AUTO_MODEL again = open_model (w, "out.onnx");
  ASSERT_HOLDS (again, "w", "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0");
}

/* ---- What nobody touched. */

static void
untouched_models_are_the_same_bytes (void **state)
{
  bytes odd = ALL (message (1, PACKED (2, 1)), STRING (99, "unknown"), number (2, FLOAT),
                   wide (9, 5, TEXT ("aaaabbbb")), STRING (12, "said of it"), STRING (8, "odd"),
                   number (14, 0));
  bytes list = both (message (4, TEXT ("cccc")), head (1, FLOAT, "list"));
  bytes doubles = both (head (1, DOUBLE, "doubles"), message (10, TEXT ("dddddddd")));
  bytes graph = ALL (wide (5, 4, odd), STRING (2, "g"), initializer (list), initializer (doubles),
                     branch (constant ("deep", raw_floats ("", "eeee"))), STRING (10, "doc"),
                     initializer (both (head (0, FLOAT, "nothing"), STRING (12, "none needed"))));
  bytes whole = ALL (STRING (30, "a field of tomorrow"), message (8, number (2, 17)), number (1, 8),
                     wide (7, 5, graph), message (25, STRING (1, "a function")),
                     pair (14, "one", "1"), pair (14, "two", ""), STRING (26, "later"));
  ADZE_AUTO_MODEL found = open_bytes (*state, whole);
  assert_int_equal (found->count, 5);
  must (write_model (*state, found, "out.onnx", ""));
  assert_same_files (*state, "in.onnx", "out.onnx");
}

static void
metadata_comes_out_as_it_is_then (void **state)
{
  world *w = *state;
  bytes from = ALL (model_of (raw_floats ("a", "aaaa")), pair (14, "one", "1"),
                    pair (14, "two", "2"), message (25, STRING (1, "a function")));
  ADZE_AUTO_MODEL found = open_bytes (w, from);
  const adze_meta *one = adze_metadata_get (&found->metadata, "one");
  assert_memory_equal (one->text.data, "1", 1);
  adze_metadata_remove (&found->metadata, "one");
  adze_meta three = adze_meta_text ("3", 1);
  must (adze_metadata_set (&found->metadata, "three", 5, &three));
  must (write_model (w, found, "out.onnx", ""));
  store (w, "in.onnx",
         ALL (model_of (raw_floats ("a", "aaaa")), pair (14, "two", "2"), pair (14, "three", "3"),
              message (25, STRING (1, "a function"))));
  assert_same_files (w, "in.onnx", "out.onnx");
  /* A file that had none gets it where it belongs. */
  ADZE_AUTO_MODEL bare = open_bytes (
      w, both (model_of (raw_floats ("a", "aaaa")), message (25, STRING (1, "a function"))));
  must (adze_metadata_set (&bare->metadata, "three", 5, &three));
  must (write_model (w, bare, "out.onnx", ""));
  store (w, "in.onnx",
         ALL (model_of (raw_floats ("a", "aaaa")), pair (14, "three", "3"),
              message (25, STRING (1, "a function"))));
  assert_same_files (w, "in.onnx", "out.onnx");
  adze_meta number_of_them = { .type = ADZE_META_U32, .bits = 3 };
  must (adze_metadata_set (&bare->metadata, "count", 5, &number_of_them));
  must_fail (write_model (w, bare, "out.onnx", ""), ADZE_E_UNSUPPORTED, "'count' is no text", NULL);
}

/* ---- External data. */

/* ENTRIES are those of external_data. */
static bytes
outside (const char *name, uint64_t floats, bytes entries)
{
  return ALL (head (floats, FLOAT, name), entries, number (14, 1));
}

static void
external_data_is_read_from_its_place (void **state)
{
  world *w = *state;
  run_command ("mkdir -p '%s' && printf 'aaaabbbbcccc' > '%s'", in_world (w, "sub"),
               in_world (w, "sub/w.bin"));
  bytes graph = ALL (
      initializer (outside ("b", 1,
                            ALL (pair (13, "location", "sub/w.bin"), pair (13, "offset", "4"),
                                 pair (13, "length", "4"), pair (13, "checksum", "0123")))),
      initializer (outside ("a", 1, pair (13, "location", "sub/w.bin"))),
      initializer (raw_floats ("c", "dddd")));
  ADZE_AUTO_MODEL found = open_bytes (w, model (graph));
  ASSERT_HOLDS (found, "b", "bbbb");
  ASSERT_HOLDS (found, "a", "aaaa");
  /* As it was: what was outside stays there, and has a page to itself. */
  must (write_model (w, found, "out.onnx", ""));
  ADZE_AUTO_MODEL kept = open_model (w, "out.onnx");
  ASSERT_HOLDS (kept, "b", "bbbb");
  ASSERT_HOLDS (kept, "c", "dddd");
  assert_int_equal (adze_model_find (kept, "c")->file, 0);
  assert_int_equal (adze_model_find (kept, "a")->file, 1);
  assert_int_equal (adze_model_find (kept, "a")->offset, 4096);
  assert_string_equal (kept->files[1].path, in_world (w, "out.onnx.data"));
  /* And what is so written is so written again. */
  run_command ("mkdir '%s'", in_world (w, "again"));
  must (write_model (w, kept, "again/out.onnx", ""));
  assert_same_files (w, "out.onnx", "again/out.onnx");
  assert_same_files (w, "out.onnx.data", "again/out.onnx.data");
}

/* COUNT floats of one letter each. */
static bytes
letters (const char *name, char letter, size_t count)
{
  char content[4096];
  assert_in_range (4 * count, 0, sizeof content);
  memset (content, letter, 4 * count);
  return both (head (count, FLOAT, name), message (9, some (content, 4 * count)));
}

static void
assert_letters (const adze_model *in, const char *name, char letter, size_t count, int file)
{
  char content[4096];
  memset (content, letter, 4 * count);
  assert_holds (in, name, content, 4 * count);
  assert_int_equal (adze_model_find (in, name)->file, file);
}

static void
weights_move_in_and_out (void **state)
{
  world *w = *state;
  /* Lengths become shorter, and as short as they can be. */
  ADZE_AUTO_MODEL one = open_bytes (w, model_of (letters ("one", '1', 1000)));
  must (write_model (w, one, "out.onnx", "external = \"always\""));
  store (w, "in.onnx",
         model_of (ALL (head (1000, FLOAT, "one"), pair (13, "location", "out.onnx.data"),
                        pair (13, "offset", "0"), pair (13, "length", "4000"), number (14, 1))));
  assert_same_files (w, "in.onnx", "out.onnx");
  bytes graph = ALL (initializer (both (letters ("small", 's', 499), number (14, 0))),
                     branch (constant ("large", letters ("", 'l', 500))),
                     initializer (both (letters ("located", 'o', 501), number (14, 0))));
  ADZE_AUTO_MODEL inside = open_bytes (w, model (graph));
  must (
      write_model (w, inside, "out.onnx",
                   "external = \"always\"\nexternal-threshold = 2000\nexternal-file = \"w.bin\""));
  ADZE_AUTO_MODEL moved = open_model (w, "out.onnx");
  assert_string_equal (moved->files[1].path, in_world (w, "w.bin"));
  assert_letters (moved, "small", 's', 499, 0);
  assert_letters (moved, "large", 'l', 500, 1);
  assert_letters (moved, "located", 'o', 501, 1);
  must (write_model (w, moved, "back.onnx", "external = \"never\""));
  ADZE_AUTO_MODEL back = open_model (w, "back.onnx");
  assert_int_equal (back->file_count, 1);
  assert_letters (back, "large", 'l', 500, 0);
  must_fail (write_model (w, inside, "out.onnx", "external-file = \"../w.bin\""), ADZE_E_PARAM,
             "external-file", "../w.bin", NULL);
  must_fail (write_model (w, inside, "out.onnx", "external-file = \"out.onnx\""), ADZE_E_PARAM,
             "external-file", NULL);
  /* Shapes must stay where runtimes see them before they see weights. */
  must_fail (write_model (w, inside, "out.onnx", "external-threshold = 1023"), ADZE_E_PARAM,
             "external-threshold", "1024", NULL);
}

/* Places in a file mean nothing in another one. */
static void
entries_that_are_not_known_stay_without_effect_or_stop_it (void **state)
{
  world *w = *state;
  run_command ("printf 'aaaa' > '%s'", in_world (w, "w.bin"));
  ADZE_AUTO_MODEL found = open_bytes (
      w, model_of (
             outside ("a", 1, both (pair (13, "location", "w.bin"), pair (13, "packed", "0;4")))));
  must_fail (write_model (w, found, "out.onnx", ""), ADZE_E_UNSUPPORTED, "'a'", "external_data",
             "never", NULL);
  must (write_model (w, found, "out.onnx", "external = \"never\""));
  ADZE_AUTO_MODEL back = open_model (w, "out.onnx");
  ASSERT_HOLDS (back, "a", "aaaa");
}

/* Nothing of the two gigabytes is looked at: the file has none. */
static void
what_protobuf_cannot_hold_is_refused (void **state)
{
  world *w = *state;
  run_command ("truncate -s 2147483648 '%s'", in_world (w, "w.bin"));
  ADZE_AUTO_MODEL found
      = open_bytes (w, model_of (outside ("a", 536870912, pair (13, "location", "w.bin"))));
  must_fail (write_model (w, found, "out.onnx", "external = \"never\""), ADZE_E_LIMIT, "2147483647",
             "external = \"always\"", NULL);
}

/* ---- What cannot be written. */

static void
a_graph_without_its_weights_is_refused (void **state)
{
  world *w = *state;
  ADZE_AUTO_MODEL from = open_bytes (w, model (both (initializer (raw_floats ("a", "aaaa")),
                                                     initializer (raw_floats ("b", "bbbb")))));
  adze_tensor_meta *meta = &from->tensors[1].meta;
  adze_dtype was = meta->dtype;
  meta->dtype = (adze_dtype){ ADZE_INT, 32, 1 };
  must_fail (write_model (w, from, "out.onnx", ""), ADZE_E_UNSUPPORTED, "'b' as FLOAT",
             "now it is INT32", NULL);
  meta->dtype = was;
  const int64_t shape[] = { 1, 1 };
  const int64_t *its = meta->shape;
  meta->shape = shape;
  meta->rank = 2;
  must_fail (write_model (w, from, "out.onnx", ""), ADZE_E_UNSUPPORTED, "'b' as [1]", "[1, 1]",
             NULL);
  const int64_t other[] = { 2 };
  meta->shape = other;
  meta->rank = 1;
  must_fail (write_model (w, from, "out.onnx", ""), ADZE_E_UNSUPPORTED, "'b' as [1]", "[2]", NULL);
  meta->shape = its;
  must (write_model (w, from, "out.onnx", ""));
  from->count = 1;
  must_fail (write_model (w, from, "out.onnx", ""), ADZE_E_UNSUPPORTED, "needs a weight 'b'", NULL);
  from->count = 2;
  const char *name = meta->name;
  meta->name = "c";
  must_fail (write_model (w, from, "out.onnx", ""), ADZE_E_UNSUPPORTED, "needs a weight 'b'", NULL);
  meta->name = name;
}

static void
tensors_that_the_graph_does_not_have_are_refused (void **state)
{
  world *w = *state;
  ADZE_AUTO_MODEL from = open_bytes (w, model_of (raw_floats ("a", "aaaa")));
  adze_tensor_meta meta = from->tensors[0].meta;
  meta.name = "scale";
  adze_model_tensor *added;
  must (adze_model_add (from, &meta, &added));
  added->file = 0;
  added->offset = from->tensors[0].offset;
  must_fail (write_model (w, from, "out.onnx", ""), ADZE_E_UNSUPPORTED,
             "'scale' is no weight of the model's graph", NULL);
}

static void
models_without_a_graph_are_refused (void **state)
{
  world *w = *state;
  ADZE_AUTO_MODEL from = open_bytes (w, model_of (raw_floats ("a", "aaaa")));
  char *id = from->parts[0].id;
  char other[] = "slate.graph/1";
  from->parts[0].id = other;
  must_fail (write_model (w, from, "out.onnx", ""), ADZE_E_UNSUPPORTED, "slate.graph/1", NULL);
  from->parts[0].id = id;
  from->part_count = 0;
  must_fail (write_model (w, from, "out.onnx", ""), ADZE_E_UNSUPPORTED, "has no graph", NULL);
  from->part_count = 1;
}

static void
plain_numbers_alone_are_carried (void **state)
{
  world *w = *state;
  const int64_t shape[] = { 2, 256 };
  adze_tensor_meta meta = { .struct_size = sizeof meta,
                            .rank = 2,
                            .name = "w",
                            .shape = shape,
                            .dtype = { ADZE_BFLOAT, 16, 1 } };
  must (adze_format_carries (w->runtime, "onnx", NULL, &meta));
  meta.dtype = (adze_dtype){ ADZE_FLOAT6_E2M3FN, 6, 1 };
  must_fail (adze_format_carries (w->runtime, "onnx", NULL, &meta), ADZE_E_UNSUPPORTED, "'w'",
             "a type that ONNX does not have", NULL);
  meta.dtype = (adze_dtype){ ADZE_OPAQUE, 0, 0 };
  meta.codec = "q4_k";
  meta.block_elements = 256;
  meta.block_bytes = 144;
  must_fail (adze_format_carries (w->runtime, "onnx", NULL, &meta), ADZE_E_UNSUPPORTED, "'w'",
             "q4_k", NULL);
}

/* ---- Which files are models. */

static void
models_are_known_by_their_first_fields (void **state)
{
  world *w = *state;
  store (w, "no-ending", model_of (raw_floats ("a", "aaaa")));
  ADZE_AUTO_MODEL found = open_model (w, "no-ending");
  assert_string_equal (found->format, "onnx");
  adze_model *none = NULL;
  must_fail (
      adze_model_open (w->runtime, store (w, "text", TEXT ("just some text\n")), NULL, &none),
      ADZE_OK, "text", NULL);
  /* By its name, the file would be one. */
  must_fail (
      adze_model_open (w->runtime, store (w, "bad.onnx", TEXT ("just some text\n")), NULL, &none),
      ADZE_E_FORMAT, "bad.onnx", "damaged or cut off", NULL);
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    WITH_ONNX (weights_are_found_wherever_they_are),
    WITH_ONNX (other_tensors_stay_with_the_graph),
    WITH_ONNX (values_and_indices_of_sparse_ones_are_weights),
    WITH_ONNX (branches_may_use_the_same_name),
    WITH_ONNX (every_type_is_known),
    WITH_ONNX (numbers_in_varints_are_decoded),
    WITH_ONNX (numbers_may_be_in_pieces),
    WITH_ONNX (untouched_models_are_the_same_bytes),
    WITH_ONNX (metadata_comes_out_as_it_is_then),
    WITH_ONNX (external_data_is_read_from_its_place),
    WITH_ONNX (weights_move_in_and_out),
    WITH_ONNX (entries_that_are_not_known_stay_without_effect_or_stop_it),
    WITH_ONNX (what_protobuf_cannot_hold_is_refused),
    WITH_ONNX (a_graph_without_its_weights_is_refused),
    WITH_ONNX (tensors_that_the_graph_does_not_have_are_refused),
    WITH_ONNX (models_without_a_graph_are_refused),
    WITH_ONNX (plain_numbers_alone_are_carried),
    WITH_ONNX (models_are_known_by_their_first_fields),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
