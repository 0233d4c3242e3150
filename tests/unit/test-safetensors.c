/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors: what is in a file is what the model has, and what is written is what others read. */
#include "safetensors-files.h"
#include "static-build.h"

static const char *
text_of (const adze_model *model, const char *key)
{
  static char text[256];
  const adze_meta *value = adze_metadata_get (&model->metadata, key);
  if (!value || value->type != ADZE_META_STRING)
    fail_msg ("there is no text '%s'", key);
  snprintf (text, sizeof text, "%.*s", (int)value->text.size, value->text.data);
  return text;
}

static const struct {
  const char *name;
  const char *word;
  unsigned bits;
} dtypes[] = { { "BOOL", "bool", 8 },
               { "F4", "f4_e2m1fn", 4 },
               { "F6_E2M3", "f6_e2m3fn", 6 },
               { "F6_E3M2", "f6_e3m2fn", 6 },
               { "U8", "u8", 8 },
               { "I8", "i8", 8 },
               { "F8_E5M2", "f8_e5m2", 8 },
               { "F8_E4M3", "f8_e4m3fn", 8 },
               { "F8_E8M0", "f8_e8m0fnu", 8 },
               { "F8_E4M3FNUZ", "f8_e4m3fnuz", 8 },
               { "F8_E5M2FNUZ", "f8_e5m2fnuz", 8 },
               { "I16", "i16", 16 },
               { "U16", "u16", 16 },
               { "F16", "f16", 16 },
               { "BF16", "bf16", 16 },
               { "I32", "i32", 32 },
               { "U32", "u32", 32 },
               { "F32", "f32", 32 },
               { "C64", "c64", 64 },
               { "F64", "f64", 64 },
               { "I64", "i64", 64 },
               { "U64", "u64", 64 } };

static void
every_type_of_the_specification_is_kept (void **state)
{
  world *w = *state;
  const size_t count = sizeof dtypes / sizeof dtypes[0];
  char header[8192] = "{\"__metadata__\":{\"format\":\"pt\"}";
  size_t offset = 0;
  for (size_t i = 0; i < count; i++) {
    size_t size = 8 * dtypes[i].bits / 8;
    sprintf (header + strlen (header),
             ",\"%s\":{\"dtype\":\"%s\",\"shape\":[2,4],\"data_offsets\":[%zu,%zu]}",
             dtypes[i].name, dtypes[i].name, offset, offset + size);
    offset += size;
  }
  strcat (header, "}");
  while (strlen (header) % 8)
    strcat (header, " ");
  write_tensors (in_world (w, "a.safetensors"), header, offset);
  adze_model *model = open_model (w, in_world (w, "a.safetensors"));
  assert_int_equal (model->count, count);
  for (size_t i = 0; i < count; i++) {
    assert_string_equal (model->tensors[i].meta.name, dtypes[i].name);
    assert_string_equal (adze_meta_type_word (&model->tensors[i].meta), dtypes[i].word);
    assert_int_equal (model->tensors[i].meta.byte_size, dtypes[i].bits);
  }
  adze_model_close (model);
  /* The reference implementation would have written just this. */
  convert (w, in_world (w, "a.safetensors"), in_world (w, "b.safetensors"), "");
  same_files (in_world (w, "a.safetensors"), in_world (w, "b.safetensors"));
}

static void
json_is_read_as_json_is (void **state)
{
  world *w = *state;
  write_tensors (in_world (w, "a.safetensors"),
                 "{ \"\\u0061\\u00e9\\ud83d\\ude00\\n\\/\" :\t{\"data_offsets\" : [ 0 , 4 ] ,\r\n"
                 "\"shape\":[ ] , \"dtype\":\"F\\u00332\"}, \"__metadata__\" : { \"q\\\"\" : "
                 "\"\\u0000\\\\\\t\", \"\" : \"empty\" } }  \n\n",
                 4);
  adze_model *model = NULL;
  must_fail (adze_model_open (w->runtime, in_world (w, "a.safetensors"), NULL, &model),
             ADZE_E_FORMAT, "\"\"", "no name", NULL);
  write_tensors (in_world (w, "a.safetensors"),
                 "{ \"\\u0061\\u00e9\\ud83d\\ude00\\n\\/\" :\t{\"data_offsets\" : [ 0 , 4 ] ,\r\n"
                 "\"shape\":[ ] , \"dtype\":\"F\\u00332\"}, \"__metadata__\" : { \"q\\\"\" : "
                 "\"\\u0000\\\\\\t\" } }  \n\n",
                 4);
  model = open_model (w, in_world (w, "a.safetensors"));
  assert_int_equal (model->count, 1);
  assert_string_equal (model->tensors[0].meta.name, "a\303\251\360\237\230\200\n/");
  assert_int_equal (model->tensors[0].meta.rank, 0);
  const adze_meta *value = adze_metadata_get (&model->metadata, "q\"");
  assert_non_null (value);
  assert_int_equal (value->text.size, 3);
  assert_memory_equal (value->text.data, "\0\\\t", 3);
  must (try_write (w, model, in_world (w, "b.safetensors"), ""));
  adze_model_close (model);
  same_models (w, in_world (w, "a.safetensors"), in_world (w, "b.safetensors"));
}

/* A header may have tensors in any order; the model has them as their bytes lie. */
static void
tensors_come_as_they_lie (void **state)
{
  world *w = *state;
  write_tensors (in_world (w, "a.safetensors"),
                 "{" T ("c", "U8", "[2]", 4, 6) "," T ("e", "U8", "[0]", 4, 4) ","
                 T ("a", "U8", "[4]", 0, 4) "," T ("z", "F32", "[3,0]", 0, 0) "}",
                 6);
  adze_model *model = open_model (w, in_world (w, "a.safetensors"));
  const char *const names[] = { "z", "a", "e", "c" };
  for (size_t i = 0; i < 4; i++)
    assert_string_equal (model->tensors[i].meta.name, names[i]);
  adze_model_close (model);
  convert (w, in_world (w, "a.safetensors"), in_world (w, "b.safetensors"), "");
  same_models (w, in_world (w, "a.safetensors"), in_world (w, "b.safetensors"));
}

static void
a_model_without_tensors_is_one (void **state)
{
  world *w = *state;
  write_tensors (in_world (w, "a.safetensors"), "{}", 0);
  adze_model *model = open_model (w, in_world (w, "a.safetensors"));
  assert_int_equal (model->count, 0);
  must (try_write (w, model, in_world (w, "b.safetensors"), ""));
  must_fail (try_write (w, model, in_world (w, "b.safetensors.index.json"), ""),
             ADZE_E_UNSUPPORTED, "no tensor", NULL);
  adze_model_close (model);
  bytes file = read_bytes (in_world (w, "b.safetensors"));
  assert_int_equal (file.size, 16);
  assert_memory_equal (file.data, "\10\0\0\0\0\0\0\0{}      ", 16);
  free (file.data);
}

/* ---- Several files. */

static const char ten[] = "{\"__metadata__\":{\"format\":\"pt\",\"by\":\"hand\"},"
    T ("t0", "U8", "[64]", 0, 64) "," T ("t1", "U8", "[64]", 64, 128) ","
    T ("t2", "F32", "[4,4]", 128, 192) "," T ("t3", "F16", "[32]", 192, 256) ","
    T ("t4", "U8", "[64]", 256, 320) "}";

static void
a_model_in_several_files_is_read_as_one (void **state)
{
  world *w = *state;
  write_tensors (in_world (w, "whole.safetensors"), ten, 320);
  convert (w, in_world (w, "whole.safetensors"), in_world (w, "m.safetensors.index.json"),
           "shard-size = 128\n");
  assert_int_equal (access (in_world (w, "m-00001-of-00003.safetensors"), R_OK), 0);
  assert_int_equal (access (in_world (w, "m-00003-of-00003.safetensors"), R_OK), 0);
  same_models (w, in_world (w, "whole.safetensors"), in_world (w, "m.safetensors.index.json"));
  /* One of them is a model of its own, with the texts that all have. */
  adze_model *part = open_model (w, in_world (w, "m-00002-of-00003.safetensors"));
  assert_int_equal (part->count, 2);
  assert_string_equal (text_of (part, "format"), "pt");
  adze_model_close (part);
  bytes index = read_bytes (in_world (w, "m.safetensors.index.json"));
  put (&index, "", 1);
  assert_non_null (strstr ((char *)index.data, "\"total_size\": 320"));
  assert_non_null (strstr ((char *)index.data, "\"t2\": \"m-00002-of-00003.safetensors\""));
  free (index.data);
  convert (w, in_world (w, "m.safetensors.index.json"), in_world (w, "n.safetensors.index.json"),
           "shard-size = 128\n");
  same_files (in_world (w, "m-00002-of-00003.safetensors"),
              in_world (w, "n-00002-of-00003.safetensors"));
}

static void
the_index_is_what_is_written_to (void **state)
{
  world *w = *state;
  write_tensors (in_world (w, "whole.safetensors"), ten, 320);
  adze_model *model = open_model (w, in_world (w, "whole.safetensors"));
  must_fail (try_write (w, model, in_world (w, "out.safetensors"), "shard-size = 128\n"),
             ADZE_E_UNSUPPORTED, "3 files", "'out.safetensors.index.json'", NULL);
  must (try_write (w, model, in_world (w, "out.safetensors"), "shard-size = 320\n"));
  adze_model_close (model);
}

/* What others write: numbers in the metadata, names in any order, an index that is one line. */
static void
an_index_of_others_is_read (void **state)
{
  world *w = *state;
  write_tensors (in_world (w, "x1.safetensors"),
                 "{\"__metadata__\":{\"format\":\"pt\"}," T ("b", "U8", "[1]", 0, 1) "}", 1);
  write_tensors (in_world (w, "x2.safetensors"),
                 "{\"__metadata__\":{\"format\":\"pt\",\"more\":\"here\"}," T ("a", "U8", "[1]", 0, 1)
                 "}", 1);
  write_text (in_world (w, "x.safetensors.index.json"),
              "{\"metadata\":{\"total_size\":2.0,\"total_parameters\":2,\"mine\":\"kept\",\"n\":7},"
              "\"weight_map\":{\"a\":\"x2.safetensors\",\"b\":\"x1.safetensors\"}}");
  adze_model *model = open_model (w, in_world (w, "x.safetensors.index.json"));
  assert_int_equal (model->count, 2);
  assert_string_equal (model->tensors[0].meta.name, "b");
  assert_string_equal (text_of (model, "mine"), "kept");
  assert_string_equal (text_of (model, "more"), "here");
  assert_string_equal (text_of (model, "format"), "pt");
  assert_int_equal (adze_metadata_get (&model->metadata, "n")->bits, 7);
  assert_int_equal (model->metadata.count, 4);
  must (try_write (w, model, in_world (w, "y.safetensors"), ""));
  adze_model_close (model);
  same_models (w, in_world (w, "x.safetensors.index.json"), in_world (w, "y.safetensors"));
}

/* ---- What it cannot hold. */

static adze_model *
model_with (const char *name, adze_dtype dtype, const char *codec, int64_t count)
{
  adze_model *model;
  adze_model_tensor *added;
  adze_tensor_meta meta = { .struct_size = sizeof meta, .name = name, .rank = 1, .shape = &count,
                            .dtype = dtype, .codec = codec };
  if (codec) {
    meta.block_elements = 32;
    meta.block_bytes = 34;
  }
  must (adze_model_new (&model));
  must (adze_model_add (model, &meta, &added));
  added->data = calloc (1, added->meta.byte_size + 1);
  return model;
}

#define CANNOT(w, model, ...) \
  do { \
    adze_model *model_ = model; \
    must_fail (try_write (w, model_, in_world (w, "out.safetensors"), ""), ADZE_E_UNSUPPORTED, \
               __VA_ARGS__, NULL); \
    assert_int_not_equal (access (in_world (w, "out.safetensors"), F_OK), 0); \
    adze_model_close (model_); \
  } while (0)

static void
what_it_cannot_hold_is_refused (void **state)
{
  world *w = *state;
  const adze_dtype u8 = { ADZE_UINT, 8, 1 };
  CANNOT (w, model_with ("i", (adze_dtype){ ADZE_INT, 4, 1 }, NULL, 2), "'i'", "4 bits");
  CANNOT (w, model_with ("c", (adze_dtype){ ADZE_COMPLEX, 128, 1 }, NULL, 2), "'c'", "128 bits");
  CANNOT (w, model_with ("f", (adze_dtype){ ADZE_FLOAT4_E2M1FN, 4, 1 }, NULL, 3), "'f'",
          "whole byte");
  CANNOT (w, model_with ("__metadata__", u8, NULL, 1), "__metadata__", "rename");
  CANNOT (w, model_with ("\xff", u8, NULL, 1), "UTF-8");
  adze_model *graph = model_with ("a", u8, NULL, 1);
  must (adze_model_add_part (graph, "onnx.model/1", "graph", 5));
  CANNOT (w, graph, "onnx.model/1", "drop-graph");
  adze_model *taken = model_with ("a", u8, NULL, 1);
  adze_meta text = adze_meta_text ("{}", 2);
  must (adze_metadata_set (&taken->metadata, "adze.metadata", 13, &text));
  CANNOT (w, taken, "adze.metadata", "rename");
}

/* ---- Blocks. */

static adze_model *
model_of_blocks (const char *codec)
{
  adze_model *model = model_with ("q", (adze_dtype){ ADZE_OPAQUE, 8, 1 }, codec, 64);
  for (size_t i = 0; i < model->tensors[0].meta.byte_size; i++)
    ((unsigned char *)model->tensors[0].data)[i] = (unsigned char)(i * 7);
  return model;
}

/* What a file has as bytes and blocks, as adze reads it. */
static void
are_blocks (world *w, const char *name, const char *codec)
{
  adze_model *model;
  unsigned char lies[68];
  must (adze_model_open (w->runtime, in_world (w, name), NULL, &model));
  const adze_tensor_meta *meta = &model->tensors[0].meta;
  assert_string_equal (meta->codec, codec);
  assert_int_equal (meta->rank, 1);
  assert_int_equal (meta->shape[0], 64);
  assert_int_equal (meta->block_elements, 32);
  assert_int_equal (meta->block_bytes, 34);
  assert_int_equal (model->tensors[0].elements, 64);
  assert_null (model->tensors[0].traits);
  must (adze_model_read (model, &model->tensors[0], 0, lies, sizeof lies));
  for (size_t i = 0; i < sizeof lies; i++)
    assert_int_equal (lies[i], (unsigned char)(i * 7));
  adze_model_close (model);
}

static void
blocks_are_bytes_to_others_and_come_back (void **state)
{
  static const char *const codecs[] = { "q8_0", "nobodys" };
  world *w = *state;
  for (size_t i = 0; i < 2; i++) {
    adze_model *model = model_of_blocks (codecs[i]);
    ADZE_AUTO_FREE char *text = NULL;
    size_t size;
    must (try_write (w, model, in_world (w, "out.safetensors"), ""));
    adze_model_close (model);
    are_blocks (w, "out.safetensors", codecs[i]);
    must (adze_file_read (in_world (w, "out.safetensors"), 4096, &text, &size));
    assert_non_null (strstr (text + 8, "\"q\":{\"dtype\":\"U8\",\"shape\":[68]"));
    assert_int_equal (!strstr (text + 8, "revision"), i == 1);
  }
}

/* Somebody else wrote other bytes under the name. */
static void
what_is_no_such_blocks_is_bytes (void **state)
{
  world *w = *state;
  static const char *const wrong[] = { "\"block\": [32, 33]", "\"block\": [0, 34]", "\"block\": 7",
                                       "\"block\": [-32, 34]", "\"block\": [1, 9223372036854775807]" };
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    adze_model *model = model_with ("q", (adze_dtype){ ADZE_UINT, 8, 1 }, NULL, 68), *back;
    char traits[200];
    snprintf (traits, sizeof traits, "{\"q\": {\"adze.coded/1\": {\"codec\": \"q8_0\", \"shape\": [64], %s}}}",
              wrong[i]);
    adze_meta text = adze_meta_text (traits, strlen (traits));
    must (adze_metadata_set (&model->metadata, "adze.traits", 11, &text));
    must (try_write (w, model, in_world (w, "out.safetensors"), ""));
    adze_model_close (model);
    must (adze_model_open (w->runtime, in_world (w, "out.safetensors"), NULL, &back));
    assert_null (back->tensors[0].meta.codec);
    assert_int_equal (back->tensors[0].meta.shape[0], 68);
    adze_model_close (back);
  }
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    WITH_FORMATS (every_type_of_the_specification_is_kept),
    WITH_FORMATS (json_is_read_as_json_is),
    WITH_FORMATS (tensors_come_as_they_lie),
    WITH_FORMATS (a_model_without_tensors_is_one),
    WITH_FORMATS (a_model_in_several_files_is_read_as_one),
    WITH_FORMATS (the_index_is_what_is_written_to),
    WITH_FORMATS (an_index_of_others_is_read),
    WITH_FORMATS (what_it_cannot_hold_is_refused),
    WITH_FORMATS (blocks_are_bytes_to_others_and_come_back),
    WITH_FORMATS (what_is_no_such_blocks_is_bytes),
  };
  return cmocka_run_group_tests_name ("safetensors", tests, NULL, NULL);
}
