/* SPDX-License-Identifier: Apache-2.0 */
/* Types and sizes of tensors, named values, hashes of content: what does not depend on any file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "artifact/decode.h"
#include "artifact/model.h"
#include "base/json.h"

static void
must (adze_error *error)
{
  if (error)
    fail_msg ("%s", adze_error_message (error));
}

static adze_tensor_meta
meta_of (const char *type, int32_t rank, const int64_t *shape)
{
  adze_tensor_meta meta = { .struct_size = sizeof meta, .name = "t", .rank = rank, .shape = shape };
  assert_true (adze_dtype_parse (type, &meta.dtype));
  return meta;
}

/* ---- Types and sizes. */

static void
types_have_names_and_back (void **state)
{
  static const char *const names[]
      = { "f32", "f64", "f16", "bf16", "i8", "u64", "bool", "i4", "u2", "f8_e4m3fn", "f4_e2m1fn" };
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    adze_dtype dtype;
    assert_true (adze_dtype_parse (names[i], &dtype));
    assert_string_equal (adze_dtype_name (dtype), names[i]);
  }
  assert_false (adze_dtype_parse ("f31", &(adze_dtype){ 0, 0, 0 }));
  assert_null (adze_dtype_name ((adze_dtype){ ADZE_FLOAT, 32, 2 }));
}

static void
sizes_are_those_of_packed_elements (void **state)
{
  const int64_t shape[] = { 3, 5 }, empty[] = { 0, 5 };
  uint64_t elements, bytes;
  (void)state;
  adze_tensor_meta meta = meta_of ("f32", 2, shape);
  must (adze_tensor_meta_size (&meta, &elements, &bytes));
  assert_int_equal (elements, 15);
  assert_int_equal (bytes, 60);
  meta = meta_of ("i4", 2, shape);
  must (adze_tensor_meta_size (&meta, &elements, &bytes));
  assert_int_equal (bytes, 8);
  meta = meta_of ("f64", 0, NULL);
  must (adze_tensor_meta_size (&meta, &elements, &bytes));
  assert_int_equal (elements, 1);
  assert_int_equal (bytes, 8);
  meta = meta_of ("f64", 2, empty);
  must (adze_tensor_meta_size (&meta, &elements, &bytes));
  assert_int_equal (elements + bytes, 0);
}

/* ---- Decoding. */

static double
decode_one (const char *type, uint64_t bits)
{
  double value;
  adze_tensor_meta meta = meta_of (type, 0, NULL);
  assert_true (adze_decodes (&meta));
  adze_decode (meta.dtype, &bits, 1, &value);
  return value;
}

#define DECODES(type, bits, expected) assert_true (decode_one (type, bits) == (expected))

static void
floats_are_exact (void **state)
{
  (void)state;
  DECODES ("f32", 0x3fc00000, 1.5);
  DECODES ("f64", 0x3ff8000000000000, 1.5);
  DECODES ("bf16", 0xc040, -3);
  DECODES ("f16", 0x3c00, 1);
  DECODES ("f16", 0x7bff, 65504);
  DECODES ("f16", 0x0001, 0x1p-24);
  DECODES ("f16", 0x83ff, -0x1.ff8p-15);
  DECODES ("f16", 0xfc00, -INFINITY);
  assert_true (isnan (decode_one ("f16", 0x7e00)));
  DECODES ("f8_e4m3fn", 0x7e, 448);
  DECODES ("f8_e4m3fn", 0x01, 0x1p-9);
  assert_true (isnan (decode_one ("f8_e4m3fn", 0x7f)));
  DECODES ("f8_e4m3", 0x77, 240);
  DECODES ("f8_e4m3", 0x78, INFINITY);
  DECODES ("f8_e5m2", 0x7b, 57344);
  DECODES ("f8_e5m2", 0xfc, -INFINITY);
  assert_true (isnan (decode_one ("f8_e5m2", 0x7d)));
  DECODES ("f8_e4m3fnuz", 0x7f, 240);
  assert_true (isnan (decode_one ("f8_e4m3fnuz", 0x80)));
  DECODES ("f8_e5m2fnuz", 0x7f, 57344);
  DECODES ("f8_e4m3b11fnuz", 0x7f, 30);
  DECODES ("f8_e3m4", 0x6f, 15.5);
  DECODES ("f8_e8m0fnu", 0x7f, 1);
  DECODES ("f8_e8m0fnu", 0x00, 0x1p-127);
  assert_true (isnan (decode_one ("f8_e8m0fnu", 0xff)));
  DECODES ("f6_e2m3fn", 0x1f, 7.5);
  DECODES ("f6_e3m2fn", 0x1f, 28);
  DECODES ("f4_e2m1fn", 0x7, 6);
  DECODES ("f4_e2m1fn", 0x9, -0.5);
}

static void
integers_of_any_width (void **state)
{
  double values[8];
  adze_dtype dtype;
  (void)state;
  DECODES ("i8", 0xff, -1);
  DECODES ("u8", 0xff, 255);
  DECODES ("i16", 0x8000, -32768);
  DECODES ("i32", 0x80000000, -2147483648.0);
  DECODES ("u64", UINT64_MAX, 0x1p64);
  DECODES ("i64", UINT64_MAX, -1);
  DECODES ("bool", 2, 1);
  /* The first element lies in the lowest bits. */
  const unsigned char packed[] = { 0x21, 0xf4 };
  assert_true (adze_dtype_parse ("i4", &dtype));
  adze_decode (dtype, packed, 4, values);
  assert_true (values[0] == 1 && values[1] == 2 && values[2] == 4 && values[3] == -1);
  const unsigned char sixes[] = { 0xdf, 0x07, 0x00 }; /* 0x1f, then 0x1f */
  assert_true (adze_dtype_parse ("f6_e2m3fn", &dtype));
  adze_decode (dtype, sixes, 2, values);
  assert_true (values[0] == 7.5 && values[1] == 7.5);
  const unsigned char threes[] = { 0x88, 0xc6, 0xfa }; /* 0 1 2 3 4 5 6 7 */
  assert_true (adze_dtype_parse ("u3", &dtype));
  adze_decode (dtype, threes, 8, values);
  for (int i = 0; i < 8; i++)
    assert_true (values[i] == i);
}

static void
codecs_and_complex_numbers_are_not_decoded (void **state)
{
  (void)state;
  adze_tensor_meta meta = meta_of ("c64", 0, NULL);
  assert_false (adze_decodes (&meta));
  meta = meta_of ("f32", 0, NULL);
  meta.codec = "q4_0";
  assert_false (adze_decodes (&meta));
}

/* ---- Named values. */

static void
values_keep_their_order (void **state)
{
  adze_metadata metadata = { 0 };
  adze_text words[] = { { "one", 3 }, { "t\0o", 3 }, { NULL, 0 } };
  adze_meta list = { .type = ADZE_META_ARRAY, .item = ADZE_META_STRING, .count = 3, .items = words };
  adze_meta number = { .type = ADZE_META_U8, .bits = 0x1ff };
  (void)state;
  must (adze_meta_check (&list));
  must (adze_metadata_set (&metadata, "a", 1, &list));
  must (adze_metadata_set (&metadata, "b", 1, &number));
  must (adze_metadata_set (&metadata, "a", 1, &number));
  assert_int_equal (metadata.count, 2);
  assert_string_equal (metadata.entries[0].key, "a");
  assert_int_equal (adze_metadata_get (&metadata, "a")->bits, 0xff);
  must (adze_metadata_set (&metadata, "a", 1, &list));
  words[0].data = "ONE";
  assert_memory_equal (((const adze_text *)adze_metadata_get (&metadata, "a")->items)[0].data, "one",
                       3);
  adze_metadata copy = { 0 };
  must (adze_metadata_copy (&metadata, &copy));
  assert_true (adze_meta_equal (&copy.entries[0].value, &metadata.entries[0].value));
  adze_metadata_remove (&metadata, "a");
  assert_null (adze_metadata_get (&metadata, "a"));
  assert_int_equal (metadata.count, 1);
  adze_metadata_cleanup (&metadata);
  adze_metadata_cleanup (&copy);
}

static void
unsound_values_are_refused (void **state)
{
  adze_meta nest[ADZE_META_DEPTH_MAX + 1];
  (void)state;
  for (int i = 0; i <= ADZE_META_DEPTH_MAX; i++)
    nest[i] = (adze_meta){ .type = ADZE_META_ARRAY, .item = ADZE_META_ARRAY,
                           .count = i < ADZE_META_DEPTH_MAX, .items = &nest[i + 1] };
  ADZE_AUTO_ERROR deep = adze_meta_check (&nest[0]);
  assert_int_equal (adze_error_status (deep), ADZE_E_FORMAT);
  must (adze_meta_check (&nest[1]));
  ADZE_AUTO_ERROR unknown = adze_meta_check (&(adze_meta){ .type = 13 });
  assert_int_equal (adze_error_status (unknown), ADZE_E_FORMAT);
  ADZE_AUTO_ERROR large = adze_meta_check (&(adze_meta){
      .type = ADZE_META_ARRAY, .item = ADZE_META_U64, .count = UINT64_MAX / 4, .items = nest });
  assert_int_equal (adze_error_status (large), ADZE_E_FORMAT);
}

static void
values_as_json (void **state)
{
  const int16_t numbers[] = { -1, 2, 3, 4 };
  adze_meta list = { .type = ADZE_META_ARRAY, .item = ADZE_META_I16, .count = 4, .items = numbers };
  adze_meta most = { .type = ADZE_META_U64, .bits = UINT64_MAX };
  adze_meta tenth = { .type = ADZE_META_F32, .bits = 0x3dcccccd };
  ADZE_AUTO_VALUE root = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO (adze_buffer) text = { 0 };
  (void)state;
  adze_meta_json (&list, 2, root, "cut");
  adze_meta_json (&list, 0, root, "whole");
  adze_meta_json (&most, 0, root, "most");
  adze_meta_json (&tenth, 0, root, "tenth");
  assert_false (adze_json_failed (root));
  adze_json_write (root, 0, &text);
  assert_string_equal (text.data, "{\"cut\": [-1, 2, \"... and 2 more\"], \"whole\": [-1, 2, 3, 4], "
                                  "\"most\": \"18446744073709551615\", \"tenth\": 0.1}");
}

/* ---- Hashes. */

static void
leaves_end_with_rows_blocks_and_bytes (void **state)
{
  static const struct {
    const char *type;
    int64_t shape[2];
    uint32_t block;
    uint64_t leaf;
  } cases[] = {
    { "f32", { 1000, 1000 }, 0, 262 * 1000 },
    { "f32", { 1, 3000000 }, 0, 1 << 18 },
    { "f32", { 2, 1 << 21 }, 0, 1 << 18 },
    { "f32", { 2, 3000000 }, 0, 250000 },
    { "f32", { 2, 1048583 }, 0, 1048583 }, /* a prime */
    { "i4", { 1000, 3 }, 0, 87380 * 3 },
    { "i4", { 9, 2000003 }, 0, 2 * 2000003 },
    { "f32", { 1, 3000000 }, 48, 262128 },
    { "f32", { 4, 0 }, 0, 1 << 18 },
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    adze_tensor_meta meta = meta_of (cases[i].type, 2, cases[i].shape);
    if (cases[i].block) {
      meta.codec = "q";
      meta.block_elements = cases[i].block;
      meta.block_bytes = 10;
    }
    if (adze_leaf_elements (&meta) != cases[i].leaf)
      fail_msg ("case %zu: %llu", i, (unsigned long long)adze_leaf_elements (&meta));
  }
}

static adze_model *
make_model (const char *first, const char *second, const char *key, const char *other)
{
  adze_model *model;
  adze_model_tensor *added;
  const int64_t shape[] = { 2 };
  const char *names[] = { first, second };
  must (adze_model_new (&model));
  for (int i = 0; i < 2; i++) {
    adze_tensor_meta meta = meta_of ("u8", 1, shape);
    meta.name = names[i];
    must (adze_model_add (model, &meta, &added));
  }
  adze_meta value = adze_meta_text ("v", 1);
  must (adze_metadata_set (&model->metadata, key, strlen (key), &value));
  must (adze_metadata_set (&model->metadata, other, strlen (other), &value));
  return model;
}

static adze_hash128
hash_of (const adze_model *model)
{
  adze_hash128 tensors[2];
  for (size_t i = 0; i < 2; i++) {
    adze_hash128 leaf = adze_leaf_hash (model->tensors[i].meta.name, 1);
    tensors[i] = adze_tensor_hash (&model->tensors[i], &leaf, 1);
  }
  return adze_model_hash (model, tensors);
}

static void
all_that_is_written_counts (void **state)
{
  ADZE_AUTO_MODEL one = make_model ("a", "b", "k", "l");
  ADZE_AUTO_MODEL turned = make_model ("b", "a", "k", "l");
  ADZE_AUTO_MODEL reordered = make_model ("a", "b", "l", "k");
  ADZE_AUTO_MODEL renamed = make_model ("a", "c", "k", "l");
  ADZE_AUTO_MODEL rekeyed = make_model ("a", "b", "k", "m");
  (void)state;
  adze_hash128 hash = hash_of (one), other = hash_of (turned);
  assert_memory_not_equal (&hash, &other, sizeof hash);
  other = hash_of (reordered);
  assert_memory_not_equal (&hash, &other, sizeof hash);
  other = hash_of (renamed);
  assert_memory_not_equal (&hash, &other, sizeof hash);
  other = hash_of (rekeyed);
  assert_memory_not_equal (&hash, &other, sizeof hash);
  must (adze_model_add_part (rekeyed, "p/1", "x", 1));
  adze_hash128 without = other;
  other = hash_of (rekeyed);
  assert_memory_not_equal (&without, &other, sizeof hash);
  assert_memory_not_equal (&hash, &other, sizeof hash);
  one->tensors[0].traits = adze_value_new (ADZE_VALUE_TABLE);
  other = hash_of (one);
  assert_memory_equal (&hash, &other, sizeof hash); /* no traits are no difference */
  adze_json_table (one->tensors[0].traits, "adze.frozen/1");
  other = hash_of (one);
  assert_memory_not_equal (&hash, &other, sizeof hash);
}

/* What was hashed by an earlier adze must be found again. */
static void
hashes_stay_what_they_are (void **state)
{
  char text[ADZE_HASH_TEXT];
  ADZE_AUTO_MODEL model = make_model ("a", "b", "k", "l");
  (void)state;
  adze_hash_text (hash_of (model), text);
  assert_string_equal (text, "0577a91dd4063f95f97d4f4f84a67647");
}

static void
names_are_found_among_many (void **state)
{
  enum { COUNT = 20000 };
  ADZE_AUTO_MODEL model = NULL;
  adze_model_tensor *added;
  char name[32];
  (void)state;
  must (adze_model_new (&model));
  for (int i = 0; i < COUNT; i++) {
    adze_tensor_meta meta = meta_of ("u8", 0, NULL);
    snprintf (name, sizeof name, "tensor.%d", i);
    meta.name = name;
    must (adze_model_add (model, &meta, &added));
  }
  assert_ptr_equal (adze_model_find (model, "tensor.19999"), &model->tensors[19999]);
  assert_null (adze_model_find (model, "tensor.20000"));
  assert_null (adze_model_find (model, "tensor.1999\n"));
  adze_tensor_meta again = meta_of ("u8", 0, NULL);
  again.name = "tensor.7";
  ADZE_AUTO_ERROR error = adze_model_add (model, &again, &added);
  assert_int_equal (adze_error_status (error), ADZE_E_FORMAT);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (types_have_names_and_back),
    cmocka_unit_test (sizes_are_those_of_packed_elements),
    cmocka_unit_test (floats_are_exact),
    cmocka_unit_test (integers_of_any_width),
    cmocka_unit_test (codecs_and_complex_numbers_are_not_decoded),
    cmocka_unit_test (values_keep_their_order),
    cmocka_unit_test (unsound_values_are_refused),
    cmocka_unit_test (values_as_json),
    cmocka_unit_test (leaves_end_with_rows_blocks_and_bytes),
    cmocka_unit_test (all_that_is_written_counts),
    cmocka_unit_test (hashes_stay_what_they_are),
    cmocka_unit_test (names_are_found_among_many),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
