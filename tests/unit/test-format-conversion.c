/* SPDX-License-Identifier: Apache-2.0 */
/* From one format into the other and back: nothing is lost that both can say, and what only one can
 * say is kept where it survives. */
#include "gguf-files.h"
#include "safetensors-files.h"
#include "static-build.h"

/* Each kind of value, of which some cannot be a text, and an order that is none of the alphabet. */
static bytes
gguf_with_values (void)
{
  bytes file = { 0 };
  put_head (&file, 3, 2, 17);
  put_string (&file, "z.first", "text");
  put_u32 (&file, "general.alignment", 32);
  put_string (&file, "general.architecture", "test");
  put_key (&file, "f32", ADZE_META_F32);
  put_number (&file, 0x3727c5ac, 4); /* 1e-5 */
  put_key (&file, "tiny", ADZE_META_F32);
  put_number (&file, 1, 4);
  put_key (&file, "minus", ADZE_META_F64);
  put_number (&file, UINT64_C (1) << 63, 8); /* -0 */
  put_key (&file, "third", ADZE_META_F64);
  put_number (&file, UINT64_C (0x3fd5555555555555), 8);
  put_key (&file, "nan", ADZE_META_F64);
  put_number (&file, UINT64_C (0x7ff8000000000123), 8);
  put_array (&file, "floats", ADZE_META_F32, 4);
  put_number (&file, 0x7f800000, 4);
  put_number (&file, 0xffc00001, 4);
  put_number (&file, 0x3f800001, 4); /* takes nine digits */
  put_number (&file, 0x80000000, 4);
  put_key (&file, "u64", ADZE_META_U64);
  put_number (&file, UINT64_MAX, 8);
  put_key (&file, "i64", ADZE_META_I64);
  put_number (&file, UINT64_C (1) << 63, 8);
  put_array (&file, "i8", ADZE_META_I8, 3);
  put (&file, "\x80\xff\x7f", 3);
  put_array (&file, "bools", ADZE_META_BOOL, 2);
  put (&file, "\1\0", 2);
  put_array (&file, "texts", ADZE_META_STRING, 4);
  put_text (&file, "");
  put_text (&file, "\"\\\n\t caf\303\251 \360\237\230\200");
  put_number (&file, 3, 8);
  put (&file, "\0\xff\x80", 3);
  put_text (&file, "{\"hex\":\"00\"}");
  put_key (&file, "odd", ADZE_META_STRING);
  put_number (&file, 2, 8);
  put (&file, "\xc3(", 2);
  put_array (&file, "nested", ADZE_META_ARRAY, 3);
  put_number (&file, ADZE_META_U16, 4);
  put_number (&file, 2, 8);
  put_number (&file, 0xffff0001, 4);
  put_number (&file, ADZE_META_STRING, 4);
  put_number (&file, 0, 8);
  put_number (&file, ADZE_META_ARRAY, 4);
  put_number (&file, 1, 8);
  put_number (&file, ADZE_META_STRING, 4);
  put_number (&file, 1, 8);
  put_text (&file, "deep");
  put_string (&file, "a.last", "text");
  put_entry (&file, "w", DIMS (4, 3), 0, 0);
  put_entry (&file, "b", DIMS (5), 30, 64);
  pad (&file, 32);
  put_weights (&file, 48);
  pad (&file, 32);
  put_weights (&file, 10);
  pad (&file, 32);
  return file;
}

/* The very bytes come back, so types, order and each bit of each value have survived. */
static void
gguf_through_safetensors_is_the_same (void **state)
{
  world *w = *state;
  bytes file = gguf_with_values ();
  write_bytes (in_world (w, "a.gguf"), &file);
  free (file.data);
  convert (w, in_world (w, "a.gguf"), in_world (w, "b.safetensors"), "");
  same_models (w, in_world (w, "a.gguf"), in_world (w, "b.safetensors"));
  convert (w, in_world (w, "b.safetensors"), in_world (w, "c.gguf"), "");
  same_files (in_world (w, "a.gguf"), in_world (w, "c.gguf"));
  convert (w, in_world (w, "b.safetensors"), in_world (w, "d.safetensors"), "");
  same_files (in_world (w, "b.safetensors"), in_world (w, "d.safetensors"));
}

static void
gguf_through_several_files_of_safetensors_is_the_same (void **state)
{
  world *w = *state;
  bytes file = gguf_with_values ();
  write_bytes (in_world (w, "a.gguf"), &file);
  free (file.data);
  convert (w, in_world (w, "a.gguf"), in_world (w, "b.safetensors.index.json"),
           "shard-size = 50\n");
  convert (w, in_world (w, "b.safetensors.index.json"), in_world (w, "c-00001-of-00002.gguf"),
           "shard-size = 64\n");
  convert (w, in_world (w, "c-00001-of-00002.gguf"), in_world (w, "d.gguf"), "");
  same_files (in_world (w, "a.gguf"), in_world (w, "d.gguf"));
}

/* Programs that know nothing of ours may change texts, and what they did counts. */
static void
what_others_did_to_the_texts_counts (void **state)
{
  world *w = *state;
  write_tensors (in_world (w, "a.safetensors"),
                 "{\"__metadata__\":{\"new\":\"1\",\"b\":\"2\",\"adze.metadata\":"
                 "\"{\\\"gone\\\":null,\\\"n\\\":{\\\"u8\\\":3},\\\"b\\\":null}\"},"
                 T ("t", "U8", "[1]", 0, 1) "}", 1);
  adze_model *model = open_model (w, in_world (w, "a.safetensors"));
  assert_int_equal (model->metadata.count, 3);
  assert_string_equal (model->metadata.entries[0].key, "n");
  assert_int_equal (model->metadata.entries[0].value.type, ADZE_META_U8);
  assert_string_equal (model->metadata.entries[1].key, "b");
  assert_string_equal (model->metadata.entries[2].key, "new");
  adze_model_close (model);
}

static void
safetensors_through_gguf_is_the_same (void **state)
{
  world *w = *state;
  write_tensors (in_world (w, "a.safetensors"),
                 "{\"__metadata__\":{\"format\":\"pt\",\"k\":\"v\"}," T ("w", "F32", "[2,3]", 0, 24)
                 "," T ("h", "F16", "[1]", 24, 26) "," T ("i", "I8", "[2,1,1]", 26, 28) ","
                 T ("s", "F64", "[]", 28, 36) "}    ", 36);
  adze_model *model = open_model (w, in_world (w, "a.safetensors"));
  must_fail (try_write (w, model, in_world (w, "b.gguf"), ""), ADZE_E_UNSUPPORTED,
             "general.architecture", "architecture = ", NULL);
  adze_model_close (model);
  convert (w, in_world (w, "a.safetensors"), in_world (w, "b.gguf"), "architecture = \"test\"\n");
  model = open_model (w, in_world (w, "b.gguf"));
  assert_string_equal (model->metadata.entries[0].key, "general.architecture");
  adze_metadata_remove (&model->metadata, "general.architecture");
  must (try_write (w, model, in_world (w, "c.safetensors"), ""));
  adze_model_close (model);
  same_models (w, in_world (w, "a.safetensors"), in_world (w, "c.safetensors"));
}

static void
a_real_model_goes_there_and_back (void **state)
{
  world *w = *state;
  char path[4096];
  if (!test_data ("stories260k/stories260K-f32.gguf", path))
    skip ();
  convert (w, path, in_world (w, "a.safetensors"), "");
  convert (w, in_world (w, "a.safetensors"), in_world (w, "b.gguf"), "");
  same_files (path, in_world (w, "b.gguf"));
  convert (w, path, in_world (w, "s-00001-of-00005.gguf"), "shard-size = 300000\n");
  convert (w, in_world (w, "s-00001-of-00005.gguf"), in_world (w, "c.gguf"), "");
  same_files (path, in_world (w, "c.gguf"));
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    WITH_FORMATS (gguf_through_safetensors_is_the_same),
    WITH_FORMATS (gguf_through_several_files_of_safetensors_is_the_same),
    WITH_FORMATS (what_others_did_to_the_texts_counts),
    WITH_FORMATS (safetensors_through_gguf_is_the_same),
    WITH_FORMATS (a_real_model_goes_there_and_back),
  };
  return cmocka_run_group_tests_name ("format-conversion", tests, NULL, NULL);
}
