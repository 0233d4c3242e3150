/* SPDX-License-Identifier: Apache-2.0 */
/* GGUF: what is in a file is what the model has, and what is written is what llama.cpp would. */
#include "gguf-files.h"
#include "static-build.h"

static const adze_meta *
value_of (const adze_model *model, const char *key)
{
  const adze_meta *value = adze_metadata_get (&model->metadata, key);
  if (!value)
    fail_msg ("there is no '%s'", key);
  return value;
}

/* One value of each type, arrays of each, and arrays of arrays. */
static size_t
put_all_values (bytes *file)
{
  static const unsigned char sizes[] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };
  size_t count = 0;
  for (uint32_t type = 0; type < sizeof sizes; type++) {
    char key[32];
    if (!sizes[type])
      continue;
    sprintf (key, "one.%u", type);
    put_key (file, key, type);
    put_number (file, type == ADZE_META_BOOL ? 1 : UINT64_C (0xfedcba9876543281), sizes[type]);
    sprintf (key, "many.%u", type);
    put_array (file, key, type, 3);
    for (uint64_t i = 0; i < 3; i++)
      put_number (file, type == ADZE_META_BOOL ? i & 1 : UINT64_C (0x817263544536271f) * (i + 1),
                  sizes[type]);
    count += 2;
  }
  put_string (file, "text", "caf\303\251 \"quoted\" \\ \n");
  put_array (file, "texts", ADZE_META_STRING, 3);
  put_text (file, "");
  put_text (file, "b");
  put_number (file, 4, 8);
  put (file, "\0\xff\x80z", 4);
  put_array (file, "none", ADZE_META_STRING, 0);
  put_array (file, "nested", ADZE_META_ARRAY, 2);
  put_number (file, ADZE_META_U16, 4);
  put_number (file, 2, 8);
  put_number (file, 0x00020001, 4);
  put_number (file, ADZE_META_ARRAY, 4);
  put_number (file, 1, 8);
  put_number (file, ADZE_META_STRING, 4);
  put_number (file, 1, 8);
  put_text (file, "deep");
  put_key (file, "nan", ADZE_META_F32);
  put_number (file, 0x7fc12345, 4);
  return count + 5;
}

static bytes
all_values (void)
{
  bytes values = { 0 }, file = { 0 };
  size_t count = put_all_values (&values);
  put_head (&file, 3, 1, count + 1);
  put_string (&file, "general.architecture", "test");
  put (&file, values.data, values.size);
  put_entry (&file, "w", DIMS (3), 0, 0);
  pad (&file, 32);
  put_weights (&file, 12);
  pad (&file, 32);
  free (values.data);
  return file;
}

static void
every_type_of_value_is_read (void **state)
{
  world *w = *state;
  bytes file = all_values ();
  write_bytes (in_world (w, "a.gguf"), &file);
  free (file.data);
  adze_model *model = open_model (w, in_world (w, "a.gguf"));
  assert_int_equal (value_of (model, "one.0")->bits, 0x81);
  assert_int_equal (value_of (model, "one.5")->bits, 0x76543281);
  assert_int_equal (value_of (model, "one.7")->bits, 1);
  assert_true (value_of (model, "one.10")->bits == UINT64_C (0xfedcba9876543281));
  assert_int_equal (value_of (model, "many.2")->count, 3);
  assert_int_equal (value_of (model, "many.2")->item, ADZE_META_U16);
  assert_memory_equal (value_of (model, "many.2")->items, "\x1f\x27\x3e\x4e\x5d\x75", 6);
  assert_int_equal (value_of (model, "nan")->bits, 0x7fc12345);
  const adze_meta *texts = value_of (model, "texts");
  assert_int_equal (((const adze_text *)texts->items)[2].size, 4);
  assert_memory_equal (((const adze_text *)texts->items)[2].data, "\0\xff\x80z", 4);
  assert_int_equal (value_of (model, "none")->count, 0);
  const adze_meta *nested = value_of (model, "nested")->items;
  assert_int_equal (nested[0].item, ADZE_META_U16);
  const adze_meta *deep = nested[1].items;
  assert_memory_equal (((const adze_text *)deep[0].items)[0].data, "deep", 4);
  assert_string_equal (model->metadata.entries[0].key, "general.architecture");
  assert_string_equal (model->metadata.entries[1].key, "one.0");
  adze_model_close (model);
}

static void
what_was_written_is_written_again_with_the_same_bytes (void **state)
{
  world *w = *state;
  bytes file = all_values ();
  write_bytes (in_world (w, "a.gguf"), &file);
  free (file.data);
  convert (w, in_world (w, "a.gguf"), in_world (w, "b.gguf"), "");
  same_files (in_world (w, "a.gguf"), in_world (w, "b.gguf"));
}

/* ---- Tensors. */

static void
shapes_are_read_the_other_way_round (void **state)
{
  world *w = *state;
  bytes file = { 0 };
  put_head (&file, 2, 3, 1);
  put_string (&file, "general.architecture", "test");
  put_entry (&file, "m", DIMS (4, 3, 1), 1, 0);
  put_text (&file, "scalar");
  put_number (&file, 0, 4);
  put_number (&file, 0, 4);
  put_number (&file, 32, 8);
  put_entry (&file, "empty", DIMS (0, 5), 30, 64);
  pad (&file, 32);
  put_weights (&file, 24);
  pad (&file, 32);
  put_weights (&file, 4);
  pad (&file, 32);
  write_bytes (in_world (w, "a.gguf"), &file);
  adze_model *model = open_model (w, in_world (w, "a.gguf"));
  const adze_tensor_meta *m = &adze_model_find (model, "m")->meta;
  assert_int_equal (m->rank, 3);
  assert_int_equal (m->shape[0], 1);
  assert_int_equal (m->shape[1], 3);
  assert_int_equal (m->shape[2], 4);
  assert_string_equal (adze_meta_type_word (m), "f16");
  assert_int_equal (adze_model_find (model, "scalar")->meta.rank, 0);
  assert_int_equal (adze_model_find (model, "empty")->meta.byte_size, 0);
  adze_model_close (model);
  /* Version 2 comes out as 3 and is the same otherwise. */
  convert (w, in_world (w, "a.gguf"), in_world (w, "b.gguf"), "");
  patch (&file, 4, 3, 4);
  write_bytes (in_world (w, "a.gguf"), &file);
  same_files (in_world (w, "a.gguf"), in_world (w, "b.gguf"));
  free (file.data);
}

/* Name, elements and bytes of a block, by ggml's numbers. */
static const struct {
  uint32_t number, elements, bytes;
  const char *name;
} types[] = {
  { 0, 1, 4, "f32" },       { 1, 1, 2, "f16" },       { 2, 32, 18, "q4_0" },
  { 3, 32, 20, "q4_1" },    { 6, 32, 22, "q5_0" },    { 7, 32, 24, "q5_1" },
  { 8, 32, 34, "q8_0" },    { 9, 32, 36, "q8_1" },    { 10, 256, 84, "q2_k" },
  { 11, 256, 110, "q3_k" }, { 12, 256, 144, "q4_k" }, { 13, 256, 176, "q5_k" },
  { 14, 256, 210, "q6_k" }, { 15, 256, 292, "q8_k" }, { 16, 256, 66, "iq2_xxs" },
  { 17, 256, 74, "iq2_xs" }, { 18, 256, 98, "iq3_xxs" }, { 19, 256, 50, "iq1_s" },
  { 20, 32, 18, "iq4_nl" }, { 21, 256, 110, "iq3_s" }, { 22, 256, 82, "iq2_s" },
  { 23, 256, 136, "iq4_xs" }, { 24, 1, 1, "i8" },     { 25, 1, 2, "i16" },
  { 26, 1, 4, "i32" },      { 27, 1, 8, "i64" },      { 28, 1, 8, "f64" },
  { 29, 256, 56, "iq1_m" }, { 30, 1, 2, "bf16" },     { 34, 256, 54, "tq1_0" },
  { 35, 256, 66, "tq2_0" }, { 39, 32, 17, "mxfp4" },  { 40, 64, 36, "nvfp4" },
  { 41, 128, 18, "q1_0" },  { 42, 64, 18, "q2_0" },
};

/* All types in one file, which is written again as it was. */
static void
every_type_of_tensor_is_known (void **state)
{
  world *w = *state;
  bytes file = { 0 };
  const size_t count = sizeof types / sizeof types[0];
  put_head (&file, 3, count, 2);
  put_string (&file, "general.architecture", "test");
  put_u32 (&file, "general.alignment", 64);
  uint64_t offset = 0;
  for (size_t i = 0; i < count; i++) {
    put_entry (&file, types[i].name, DIMS (types[i].elements * 2, 3), types[i].number, offset);
    offset += (types[i].bytes * 6 + 63) / 64 * 64;
  }
  pad (&file, 64);
  for (size_t i = 0; i < count; i++) {
    put_weights (&file, types[i].bytes * 6);
    pad (&file, 64);
  }
  write_bytes (in_world (w, "a.gguf"), &file);
  free (file.data);
  adze_model *model = open_model (w, in_world (w, "a.gguf"));
  assert_int_equal (model->count, count);
  for (size_t i = 0; i < count; i++) {
    const adze_tensor_meta *meta = &model->tensors[i].meta;
    assert_string_equal (adze_meta_type_word (meta), types[i].name);
    assert_int_equal (meta->byte_size, types[i].bytes * 6);
    assert_int_equal (meta->shape[1], types[i].elements * 2);
    assert_int_equal (!!meta->codec, types[i].elements > 1);
  }
  must (try_write (w, model, in_world (w, "b.gguf"), ""));
  adze_model_close (model);
  same_files (in_world (w, "a.gguf"), in_world (w, "b.gguf"));
}

/* ---- Split models. */

/* Ten tensors of 64 bytes. */
static void
write_ten (world *w, const char *name, uint32_t alignment)
{
  bytes file = { 0 };
  put_head (&file, 3, 10, 3);
  put_string (&file, "general.architecture", "test");
  put_u32 (&file, "general.alignment", alignment);
  put_string (&file, "note", "kept");
  for (uint64_t i = 0; i < 10; i++) {
    char text[8];
    sprintf (text, "t%u", (unsigned)i);
    put_entry (&file, text, DIMS (16), 0, i * 64);
  }
  pad (&file, alignment);
  put_weights (&file, 640);
  write_bytes (in_world (w, name), &file);
  free (file.data);
}

static void
a_split_model_is_read_as_one (void **state)
{
  world *w = *state;
  write_ten (w, "whole.gguf", 64);
  convert (w, in_world (w, "whole.gguf"), in_world (w, "part-00001-of-00004.gguf"),
           "shard-size = 192\n");
  same_models (w, in_world (w, "whole.gguf"), in_world (w, "part-00001-of-00004.gguf"));
  adze_model *model = open_model (w, in_world (w, "part-00001-of-00004.gguf"));
  assert_int_equal (model->file_count, 4);
  assert_null (adze_metadata_get (&model->metadata, "split.count"));
  adze_model_close (model);
  /* Once more from the parts: the same parts, and the whole as it was. */
  convert (w, in_world (w, "part-00001-of-00004.gguf"), in_world (w, "again-00001-of-00004.gguf"),
           "shard-size = 192\n");
  for (unsigned i = 1; i <= 4; i++) {
    char one[64], other[64];
    sprintf (one, "part-%05u-of-00004.gguf", i);
    sprintf (other, "again-%05u-of-00004.gguf", i);
    same_files (in_world (w, one), in_world (w, other));
  }
  convert (w, in_world (w, "part-00001-of-00004.gguf"), in_world (w, "joined.gguf"), "");
  same_files (in_world (w, "whole.gguf"), in_world (w, "joined.gguf"));
}

static void
the_name_of_a_split_model_must_fit (void **state)
{
  world *w = *state;
  write_ten (w, "whole.gguf", 32);
  adze_model *model = open_model (w, in_world (w, "whole.gguf"));
  must_fail (try_write (w, model, in_world (w, "out.gguf"), "shard-size = 192\n"),
             ADZE_E_UNSUPPORTED, "4 files", "out-00001-of-00004.gguf", NULL);
  must_fail (try_write (w, model, in_world (w, "out-00001-of-00003.gguf"), "shard-size = 192\n"),
             ADZE_E_UNSUPPORTED, "file 1 of 3", "out-00001-of-00004.gguf", NULL);
  must_fail (try_write (w, model, in_world (w, "out-00002-of-00004.gguf"), "shard-size = 192\n"),
             ADZE_E_UNSUPPORTED, "file 2 of 4", NULL);
  must_fail (try_write (w, model, in_world (w, "out-00001-of-00004.gguf"), ""),
             ADZE_E_UNSUPPORTED, "file 1 of 4", "makes 1", NULL);
  adze_model_close (model);
  assert_int_not_equal (access (in_world (w, "out.gguf"), F_OK), 0);
}

static void
a_split_model_with_a_part_missing_is_refused (void **state)
{
  world *w = *state;
  adze_model *model = NULL;
  write_ten (w, "whole.gguf", 32);
  convert (w, in_world (w, "whole.gguf"), in_world (w, "p-00001-of-00004.gguf"),
           "shard-size = 192\n");
  must_fail (adze_model_open (w->runtime, in_world (w, "p-00002-of-00004.gguf"), NULL, &model),
             ADZE_E_FORMAT, "file 2 of 4", "-00001-of-00004.gguf", NULL);
  run_command ("cp '%s' '%s'", in_world (w, "p-00001-of-00004.gguf"), in_world (w, "other.gguf"));
  must_fail (adze_model_open (w->runtime, in_world (w, "other.gguf"), NULL, &model), ADZE_E_FORMAT,
             "first of 4 files", "-00001-of-00004.gguf", NULL);
  run_command ("cp '%s' '%s'", in_world (w, "p-00002-of-00004.gguf"),
               in_world (w, "p-00003-of-00004.gguf"));
  must_fail (adze_model_open (w->runtime, in_world (w, "p-00001-of-00004.gguf"), NULL, &model),
             ADZE_E_FORMAT, "p-00003-of-00004.gguf", "file 2 of 4", "needed is file 3", NULL);
  run_command ("rm '%s'", in_world (w, "p-00003-of-00004.gguf"));
  must_fail (adze_model_open (w->runtime, in_world (w, "p-00001-of-00004.gguf"), NULL, &model),
             ADZE_E_NOT_FOUND, "p-00003-of-00004.gguf", NULL);
}

/* ---- What GGUF cannot hold. */

static adze_model *
model_with (const char *name, adze_dtype dtype, int32_t rank, const int64_t *shape)
{
  adze_model *model;
  adze_model_tensor *added;
  adze_tensor_meta meta = { .struct_size = sizeof meta, .name = name, .rank = rank, .shape = shape,
                            .dtype = dtype };
  adze_meta architecture = adze_meta_text ("test", 4);
  must (adze_model_new (&model));
  must (adze_metadata_set (&model->metadata, "general.architecture", 20, &architecture));
  must (adze_model_add (model, &meta, &added));
  added->data = calloc (1, added->meta.byte_size + 1);
  return model;
}

#define CANNOT(w, model, settings, ...) \
  do { \
    adze_model *model_ = model; \
    must_fail (try_write (w, model_, in_world (w, "out.gguf"), settings), ADZE_OK, __VA_ARGS__, \
               NULL); \
    assert_int_not_equal (access (in_world (w, "out.gguf"), F_OK), 0); \
    adze_model_close (model_); \
  } while (0)

static const adze_dtype f32 = { ADZE_FLOAT, 32, 1 };

static void
what_it_cannot_hold_is_refused (void **state)
{
  world *w = *state;
  const int64_t five[] = { 1, 1, 1, 1, 2 };
  char name[65];
  memset (name, 'n', 64);
  name[64] = '\0';
  CANNOT (w, model_with ("deep", f32, 5, five), "", "'deep'", "5 dimensions", "at most 4");
  CANNOT (w, model_with (name, f32, 1, five), "", "64 bytes", "longest-name");
  CANNOT (w, model_with ("u", (adze_dtype){ ADZE_UINT, 8, 1 }, 1, five), "", "'u'", "uint8");
  CANNOT (w, model_with ("b", (adze_dtype){ ADZE_BOOL, 8, 1 }, 1, five), "", "'b'", "bool");
  adze_model *bare = model_with ("a", f32, 1, five);
  adze_metadata_remove (&bare->metadata, "general.architecture");
  CANNOT (w, bare, "", "general.architecture", "architecture = ");
  CANNOT (w, model_with ("a", f32, 1, five), "architecture = \"llama\"\n", "'llama'", "'test'");
  adze_model *graph = model_with ("a", f32, 1, five);
  must (adze_model_add_part (graph, "onnx.model/1", "graph", 5));
  CANNOT (w, graph, "", "onnx.model/1", "drop-graph");
  adze_model *odd = model_with ("a", f32, 1, five);
  adze_meta alignment = { .type = ADZE_META_U32, .bits = 48 };
  must (adze_metadata_set (&odd->metadata, "general.alignment", 17, &alignment));
  CANNOT (w, odd, "", "general.alignment", "power of two");
  adze_model *split = model_with ("a", f32, 1, five);
  must (adze_metadata_set (&split->metadata, "split.count", 11, &alignment));
  CANNOT (w, split, "", "split.count");
}

static void
what_a_parameter_allows_is_written (void **state)
{
  world *w = *state;
  const int64_t two[] = { 2 };
  char name[65];
  memset (name, 'n', 64);
  name[64] = '\0';
  adze_model *model = model_with (name, f32, 1, two);
  adze_metadata_remove (&model->metadata, "general.architecture");
  must (adze_model_add_part (model, "onnx.model/1", "graph", 5));
  must (try_write (w, model, in_world (w, "a.gguf"),
                   "architecture = \"llama\"\nlongest-name = 64\ndrop-graph = true\n"));
  adze_model_close (model);
  model = open_model (w, in_world (w, "a.gguf"));
  assert_string_equal (model->tensors[0].meta.name, name);
  assert_memory_equal (value_of (model, "general.architecture")->text.data, "llama", 5);
  assert_int_equal (model->part_count, 0);
  adze_model_close (model);
}

/* ---- general.file_type. */

/* The file type that is written of one that was said, of a matrix and a vector of f32. */
static uint64_t
written_file_type (world *w, uint32_t said, adze_dtype dtype)
{
  const int64_t shape[] = { 2, 3 };
  adze_model *model = model_with ("m", dtype, 2, shape);
  adze_model_tensor *added;
  adze_tensor_meta vector = { .struct_size = sizeof vector, .name = "v", .rank = 1,
                              .shape = (const int64_t[]){ 100 }, .dtype = f32 };
  adze_meta type = { .type = ADZE_META_U32, .bits = said };
  must (adze_model_add (model, &vector, &added));
  added->data = calloc (1, added->meta.byte_size);
  must (adze_metadata_set (&model->metadata, "general.file_type", 17, &type));
  must (try_write (w, model, in_world (w, "t.gguf"), ""));
  adze_model_close (model);
  model = open_model (w, in_world (w, "t.gguf"));
  uint64_t written = value_of (model, "general.file_type")->bits;
  adze_model_close (model);
  return written;
}

static void
the_file_type_is_that_of_the_matrices (void **state)
{
  world *w = *state;
  const adze_dtype f16 = { ADZE_FLOAT, 16, 1 }, bf16 = { ADZE_BFLOAT, 16, 1 },
                   i32 = { ADZE_INT, 32, 1 };
  assert_int_equal (written_file_type (w, 0, f16), 1);
  assert_int_equal (written_file_type (w, 0, bf16), 32);
  assert_int_equal (written_file_type (w, 32, f32), 0);
  assert_int_equal (written_file_type (w, 0, f32), 0);
  assert_int_equal (written_file_type (w, 1, f16), 1);
  /* Nothing is known of these. */
  assert_int_equal (written_file_type (w, 7, f16), 7);
  assert_int_equal (written_file_type (w, 0, i32), 0);
}

/* ---- A real one. */

static void
a_real_file_is_written_again_with_the_same_bytes (void **state)
{
  world *w = *state;
  char path[4096];
  if (!test_data ("stories260k/stories260K-f32.gguf", path))
    skip ();
  convert (w, path, in_world (w, "again.gguf"), "");
  same_files (path, in_world (w, "again.gguf"));
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    WITH_FORMATS (every_type_of_value_is_read),
    WITH_FORMATS (what_was_written_is_written_again_with_the_same_bytes),
    WITH_FORMATS (shapes_are_read_the_other_way_round),
    WITH_FORMATS (every_type_of_tensor_is_known),
    WITH_FORMATS (a_split_model_is_read_as_one),
    WITH_FORMATS (the_name_of_a_split_model_must_fit),
    WITH_FORMATS (a_split_model_with_a_part_missing_is_refused),
    WITH_FORMATS (what_it_cannot_hold_is_refused),
    WITH_FORMATS (what_a_parameter_allows_is_written),
    WITH_FORMATS (the_file_type_is_that_of_the_matrices),
    WITH_FORMATS (a_real_file_is_written_again_with_the_same_bytes),
  };
  return cmocka_run_group_tests_name ("gguf", tests, NULL, NULL);
}
