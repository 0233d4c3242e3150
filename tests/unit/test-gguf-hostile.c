/* SPDX-License-Identifier: Apache-2.0 */
/* GGUF files that somebody made to do harm, or that were damaged: each is refused with what is
 * wrong and where, and without taking more heap than its size allows. */
#include "gguf-files.h"
#include "static-build.h"

/* Where in the sound file something stands that can be bent. */
typedef enum place {
  MAGIC,
  VERSION,
  TENSORS,
  KEYS,
  KEY, /* the length of the first key, and its text */
  KEY_TEXT,
  TYPE,
  TEXT,
  TEXT_TEXT,
  ALIGNMENT_TYPE,
  ALIGNMENT,
  TRUTH,
  TRUTHS_ITEM,
  TRUTHS_COUNT,
  TRUTHS,
  TEXTS_COUNT,
  TEXTS,
  NESTED_ITEM,
  NESTED_COUNT,
  INNER_ITEM,
  INNER_COUNT,
  OTHER_KEY,
  NAME, /* the length of the first tensor's name, and its text */
  NAME_TEXT,
  RANK,
  DIMS0,
  DIMS1,
  TENSOR_TYPE,
  OFFSET,
  BLOCK_NAME,
  BLOCK_DIMS,
  BLOCK_TYPE,
  BLOCK_OFFSET,
  LAST_NAME_TEXT,
  LAST_DIMS,
  LAST_OFFSET,
  DATA,
  PLACES
} place;

typedef struct sound_file {
  bytes bytes;
  size_t at[PLACES];
} sound_file;

static sound_file
make_sound (void)
{
  sound_file file = { .bytes = { 0 } };
  bytes *b = &file.bytes;
  file.at[MAGIC] = 0;
  file.at[VERSION] = 4;
  file.at[TENSORS] = 8;
  file.at[KEYS] = 16;
  put_head (b, 3, 3, 7);
  file.at[KEY] = b->size;
  file.at[KEY_TEXT] = b->size + 8;
  file.at[TYPE] = b->size + 8 + strlen ("general.architecture");
  file.at[TEXT] = file.at[TYPE] + 4;
  file.at[TEXT_TEXT] = file.at[TEXT] + 8;
  put_string (b, "general.architecture", "test");
  put_u32 (b, "general.alignment", 32);
  file.at[ALIGNMENT_TYPE] = b->size - 8;
  file.at[ALIGNMENT] = b->size - 4;
  put_key (b, "truth", ADZE_META_BOOL);
  file.at[TRUTH] = b->size;
  put_number (b, 1, 1);
  put_array (b, "truths", ADZE_META_BOOL, 3);
  file.at[TRUTHS_ITEM] = b->size - 12;
  file.at[TRUTHS_COUNT] = b->size - 8;
  file.at[TRUTHS] = b->size;
  put_number (b, 0x010001, 3);
  put_array (b, "texts", ADZE_META_STRING, 2);
  file.at[TEXTS_COUNT] = b->size - 8;
  file.at[TEXTS] = b->size;
  put_text (b, "one");
  put_text (b, "two");
  put_array (b, "nested", ADZE_META_ARRAY, 1);
  file.at[NESTED_ITEM] = b->size - 12;
  file.at[NESTED_COUNT] = b->size - 8;
  file.at[INNER_ITEM] = b->size;
  file.at[INNER_COUNT] = b->size + 4;
  put_number (b, ADZE_META_U64, 4);
  put_number (b, 1, 8);
  put_number (b, 9, 8);
  file.at[OTHER_KEY] = b->size + 8;
  put_u32 (b, "trutz", 7);
  file.at[NAME] = b->size;
  file.at[NAME_TEXT] = b->size + 8;
  file.at[RANK] = b->size + 13;
  file.at[DIMS0] = b->size + 17;
  file.at[DIMS1] = b->size + 25;
  file.at[TENSOR_TYPE] = b->size + 33;
  file.at[OFFSET] = b->size + 37;
  put_entry (b, "first", DIMS (4, 2), 0, 0);
  file.at[BLOCK_NAME] = b->size;
  file.at[BLOCK_DIMS] = b->size + 18;
  file.at[BLOCK_TYPE] = b->size + 26;
  file.at[BLOCK_OFFSET] = b->size + 30;
  put_entry (b, "second", DIMS (32), 2, 32);
  file.at[LAST_NAME_TEXT] = b->size + 8;
  file.at[LAST_DIMS] = b->size + 17;
  file.at[LAST_OFFSET] = b->size + 29;
  put_entry (b, "third", DIMS (5), 24, 64);
  pad (b, 32);
  file.at[DATA] = b->size;
  put_weights (b, 69);
  pad (b, 32);
  return file;
}

typedef struct bent {
  const char *what;
  place place;
  size_t width; /* 0: the file ends there */
  uint64_t value;
  adze_status status;
  const char *words;
} bent;

#define HUGE_SIZE UINT64_MAX

static const bent table[] = {
  { "other letters", MAGIC, 4, 0x58585858, ADZE_E_FORMAT, "58 58 58 58" },
  { "version 0", VERSION, 4, 0, ADZE_E_FORMAT, "at byte 4|version 0|2 and 3" },
  { "version 1", VERSION, 4, 1, ADZE_E_UNSUPPORTED, "version 1|2 and 3" },
  { "version 4", VERSION, 4, 4, ADZE_E_UNSUPPORTED, "version 4|2 and 3" },
  { "big-endian", VERSION, 4, 0x03000000, ADZE_E_UNSUPPORTED, "big-endian|version 3" },
  { "2^64 - 1 tensors", TENSORS, 8, HUGE_SIZE, ADZE_E_FORMAT, "18446744073709551615 tensors" },
  { "2^32 tensors", TENSORS, 8, UINT64_C (1) << 32, ADZE_E_FORMAT, "4294967296 tensors" },
  { "a tensor more", TENSORS, 8, 4, ADZE_E_FORMAT, "no name" },
  { "a tensor less", TENSORS, 8, 2, ADZE_E_FORMAT, "belong to none" },
  { "no tensors", TENSORS, 8, 0, ADZE_E_FORMAT, "no tensor that they belong to" },
  { "2^64 - 1 values", KEYS, 8, HUGE_SIZE, ADZE_E_FORMAT, "18446744073709551615 named values" },
  { "2^40 values", KEYS, 8, UINT64_C (1) << 40, ADZE_E_FORMAT, "1099511627776 named values" },
  { "a value more", KEYS, 8, 8, ADZE_E_FORMAT, "" },
  { "a value less", KEYS, 8, 6, ADZE_E_FORMAT, "" },
  { "a key of 2^64 - 1 bytes", KEY, 8, HUGE_SIZE, ADZE_E_FORMAT, "a key|18446744073709551615" },
  { "a key of 2^63 bytes", KEY, 8, UINT64_C (1) << 63, ADZE_E_FORMAT, "a key|9223372036854775808" },
  { "a key of no bytes", KEY, 8, 0, ADZE_E_FORMAT, "at byte 24|0 bytes" },
  { "a key that is no text", KEY_TEXT, 1, 0xff, ADZE_E_FORMAT, "UTF-8" },
  { "type 13", TYPE, 4, 13, ADZE_E_FORMAT, "13 is no type" },
  { "type 2^32 - 1", TYPE, 4, UINT32_MAX, ADZE_E_FORMAT, "4294967295 is no type" },
  { "a text of 2^64 - 1 bytes", TEXT, 8, HUGE_SIZE, ADZE_E_FORMAT, "a text|18446744073709551615" },
  { "a text of 2^64 - 8 bytes", TEXT, 8, HUGE_SIZE - 7, ADZE_E_FORMAT, "18446744073709551608" },
  { "a text as long as the file", TEXT, 8, 700, ADZE_E_FORMAT, "takes 700 bytes|cut off" },
  { "a signed alignment", ALIGNMENT_TYPE, 4, ADZE_META_I32, ADZE_E_FORMAT,
    "general.alignment|is a u32" },
  { "alignment 0", ALIGNMENT, 4, 0, ADZE_E_FORMAT, "general.alignment is 0|power of two" },
  { "alignment 24", ALIGNMENT, 4, 24, ADZE_E_FORMAT, "general.alignment is 24|power of two" },
  { "alignment 2^31", ALIGNMENT, 4, UINT64_C (1) << 31, ADZE_E_FORMAT,
    "general.alignment is 2147483648" },
  { "another alignment", ALIGNMENT, 4, 64, ADZE_E_FORMAT, "no multiple of the alignment 64" },
  { "a truth of 2", TRUTH, 1, 2, ADZE_E_FORMAT, "a truth value is 2" },
  { "a truth of 255 in an array", TRUTHS, 1, 255, ADZE_E_FORMAT, "a truth value is 255" },
  { "an array of type 99", TRUTHS_ITEM, 4, 99, ADZE_E_FORMAT, "99 is no type" },
  { "an array of 2^64 - 1", TRUTHS_COUNT, 8, HUGE_SIZE, ADZE_E_FORMAT,
    "18446744073709551615 entries" },
  { "an array that takes the rest", TRUTHS_COUNT, 8, 500, ADZE_E_FORMAT, "" },
  { "2^61 texts", TEXTS_COUNT, 8, UINT64_C (1) << 61, ADZE_E_FORMAT, "entries of an array" },
  { "2^60 texts", TEXTS_COUNT, 8, UINT64_C (1) << 60, ADZE_E_FORMAT, "at least 8 bytes each" },
  { "a text in an array of 2^64 - 8 bytes", TEXTS, 8, HUGE_SIZE - 7, ADZE_E_FORMAT,
    "18446744073709551608" },
  { "arrays of type 13", INNER_ITEM, 4, 13, ADZE_E_FORMAT, "13 is no type" },
  { "2^58 arrays", NESTED_COUNT, 8, UINT64_C (1) << 58, ADZE_E_FORMAT, "at least 12 bytes each" },
  { "2^61 in an inner array", INNER_COUNT, 8, UINT64_C (1) << 61, ADZE_E_FORMAT,
    "at least 8 bytes each" },
  { "an array in an array in an array", INNER_ITEM, 4, ADZE_META_ARRAY, ADZE_E_FORMAT, "" },
  { "a name of 2^64 - 1 bytes", NAME, 8, HUGE_SIZE, ADZE_E_FORMAT,
    "the name of a tensor|18446744073709551615" },
  { "no name", NAME, 8, 0, ADZE_E_FORMAT, "has no name" },
  { "a zero byte in a name", NAME_TEXT, 1, 0, ADZE_E_FORMAT, "zero byte" },
  { "a name that is no text", NAME_TEXT, 1, 0xff, ADZE_E_FORMAT, "UTF-8" },
  { "rank 5", RANK, 4, 5, ADZE_E_FORMAT, "'first' has 5 dimensions|at most 4" },
  { "rank 2^32 - 1", RANK, 4, UINT32_MAX, ADZE_E_FORMAT, "4294967295 dimensions" },
  { "a dimension of 2^63", DIMS0, 8, UINT64_C (1) << 63, ADZE_E_FORMAT,
    "9223372036854775808|2^63 - 1" },
  { "a dimension of 2^64 - 1", DIMS1, 8, HUGE_SIZE, ADZE_E_FORMAT, "18446744073709551615" },
  { "a dimension of 2^62", DIMS0, 8, UINT64_C (1) << 62, ADZE_E_FORMAT, "too large" },
  { "one element more", LAST_DIMS, 8, 97, ADZE_E_FORMAT, "third|do not lie in the file" },
  { "type 4", TENSOR_TYPE, 4, 4, ADZE_E_FORMAT, "type 4 (q4_2)|removed" },
  { "type 31", TENSOR_TYPE, 4, 31, ADZE_E_FORMAT, "q4_0_4_4|removed" },
  { "type 38", TENSOR_TYPE, 4, 38, ADZE_E_FORMAT, "iq4_nl_8_8|removed" },
  { "type 43", TENSOR_TYPE, 4, 43, ADZE_E_FORMAT, "the type 43" },
  { "type 2^32 - 1 of a tensor", TENSOR_TYPE, 4, UINT32_MAX, ADZE_E_FORMAT, "the type 4294967295" },
  { "a row that is no number of blocks", BLOCK_DIMS, 8, 33, ADZE_E_FORMAT,
    "'second'|33 elements|multiple of 32" },
  { "blocks of another size", BLOCK_TYPE, 4, 12, ADZE_E_FORMAT, "multiple of 256" },
  { "a place that is not aligned", BLOCK_OFFSET, 8, 33, ADZE_E_FORMAT,
    "'second'|no multiple of the alignment 32" },
  { "a place of another", BLOCK_OFFSET, 8, 0, ADZE_E_FORMAT, "overlap|first|second" },
  { "a place that leaves a hole", LAST_OFFSET, 8, 96, ADZE_E_FORMAT, "do not lie in the file" },
  { "a place at 2^64 - 32", LAST_OFFSET, 8, HUGE_SIZE - 31, ADZE_E_FORMAT,
    "far beyond the file's end" },
  { "a place at 2^63", LAST_OFFSET, 8, UINT64_C (1) << 63, ADZE_E_FORMAT,
    "do not lie in the file" },
  { "a name twice", LAST_NAME_TEXT, 5, UINT64_C (0x7473726966), ADZE_E_FORMAT,
    "\"first\"|same name" },
  { "a key twice", OTHER_KEY, 5, UINT64_C (0x6874757274), ADZE_E_FORMAT, "\"truth\"|same name" },
  { "an empty file", MAGIC, 0, 0, ADZE_E_FORMAT, "" },
  { "cut off in the version", VERSION, 0, 2, ADZE_E_FORMAT, "the version takes 4 bytes" },
  { "cut off in a key", KEY_TEXT, 0, 0, ADZE_E_FORMAT, "" },
  { "cut off before the tensors", NAME, 0, 0, ADZE_E_FORMAT, "" },
  { "cut off before the data", DATA, 0, 0, ADZE_E_FORMAT, "" },
};

static void
each_is_refused (void **state)
{
  world *w = *state;
  sound_file sound = make_sound ();
  const char *path = in_world (w, "bad.gguf");
  write_bytes (path, &sound.bytes);
  adze_model_close (open_model (w, path)); /* it is sound, and the format is loaded now */
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    const bent *how = &table[i];
    bytes bad = copy_of (&sound.bytes);
    if (how->width)
      patch (&bad, sound.at[how->place], how->value, how->width);
    else
      bad.size = sound.at[how->place] + (size_t)how->value;
    write_bytes (path, &bad);
    must_be_refused (w, how->what, path, bad.size, how->status, how->words);
    free (bad.data);
  }
  free (sound.bytes.data);
}

/* Cut off at any byte before the last of the numbers. */
static void
a_file_that_is_cut_off_is_refused (void **state)
{
  world *w = *state;
  sound_file sound = make_sound ();
  const char *path = in_world (w, "cut.gguf");
  bytes cut = sound.bytes;
  for (cut.size = 0; cut.size < sound.at[DATA] + 69; cut.size++) {
    char what[32];
    sprintf (what, "%zu bytes", cut.size);
    write_bytes (path, &cut);
    must_be_refused (w, what, path, cut.size, ADZE_OK, "cut.gguf");
  }
  free (sound.bytes.data);
}

/* Any byte changed: it is taken or refused, and nothing else happens. */
static void
no_byte_can_do_harm (void **state)
{
  world *w = *state;
  sound_file sound = make_sound ();
  const char *path = in_world (w, "any.gguf");
  static const unsigned char values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
  for (size_t i = 0; i < sound.at[DATA]; i++)
    for (size_t j = 0; j < sizeof values; j++) {
      unsigned char was = sound.bytes.data[i];
      adze_model *model = NULL;
      sound.bytes.data[i] = values[j];
      write_bytes (path, &sound.bytes);
      adze_error *error = adze_model_open (w->runtime, path, NULL, &model);
      assert_true (!error == !!model);
      adze_error_free (error);
      adze_model_close (model);
      sound.bytes.data[i] = was;
    }
  free (sound.bytes.data);
}

/* A head and one key, as far as it takes. */
static void
refuse_key (world *w, const char *what, uint64_t keys, const bytes *key, adze_status status,
            const char *words)
{
  const char *path = in_world (w, "key.gguf");
  bytes file = { 0 };
  put_head (&file, 3, 0, keys);
  put (&file, key->data, key->size);
  write_bytes (path, &file);
  must_be_refused (w, what, path, file.size, status, words);
  free (file.data);
}

static void
arrays_nest_so_far_and_no_further (void **state)
{
  world *w = *state;
  for (unsigned depth = 1; depth < 4000; depth = depth < 10 ? depth + 1 : depth * 3) {
    bytes key = { 0 };
    put_key (&key, "k", ADZE_META_ARRAY);
    for (unsigned i = 1; i < depth; i++) {
      put_number (&key, ADZE_META_ARRAY, 4);
      put_number (&key, 1, 8);
    }
    put_number (&key, ADZE_META_U8, 4);
    put_number (&key, 0, 8);
    if (depth <= ADZE_META_DEPTH_MAX) {
      bytes file = { 0 };
      put_head (&file, 3, 0, 1);
      put (&file, key.data, key.size);
      write_bytes (in_world (w, "deep.gguf"), &file);
      adze_model_close (open_model (w, in_world (w, "deep.gguf")));
      free (file.data);
    } else
      refuse_key (w, "deep", 1, &key, ADZE_E_FORMAT, "nested more than 8 deep");
    free (key.data);
  }
}

/* Each is refused at its very end, when all of it has been taken. */
static void
large_structures_take_heap_in_proportion (void **state)
{
  world *w = *state;
  enum { MANY = 100000 };
  bytes key = { 0 };
  put_array (&key, "k", ADZE_META_STRING, MANY);
  for (unsigned i = 0; i < MANY; i++)
    put_number (&key, 0, 8);
  put_u32 (&key, "k", 1);
  refuse_key (w, "texts, and their key again", 2, &key, ADZE_E_FORMAT, "\"k\"|same name");
  free (key.data);
  key = (bytes){ 0 };
  put_array (&key, "k", ADZE_META_ARRAY, MANY);
  for (unsigned i = 0; i < MANY; i++) {
    put_number (&key, ADZE_META_U8, 4);
    put_number (&key, 0, 8);
  }
  put_u32 (&key, "k", 1);
  refuse_key (w, "arrays, and their key again", 2, &key, ADZE_E_FORMAT, "\"k\"|same name");
  free (key.data);
  key = (bytes){ 0 };
  for (unsigned i = 0; i < MANY; i++) {
    char name[16];
    sprintf (name, "%x", i);
    put_key (&key, name, ADZE_META_U8);
    put_number (&key, 1, 1);
  }
  put_u32 (&key, "0", 1);
  refuse_key (w, "keys, and one of them again", MANY + 1, &key, ADZE_E_FORMAT,
              "\"0\"|same name");
  free (key.data);
}

static void
many_tensors_take_heap_in_proportion (void **state)
{
  world *w = *state;
  enum { MANY = 50000 };
  const char *path = in_world (w, "many.gguf");
  bytes file = { 0 };
  put_head (&file, 3, MANY, 0);
  for (unsigned i = 0; i < MANY; i++) {
    char name[16];
    sprintf (name, "%x", i);
    put_entry (&file, i + 1 == MANY ? "0" : name, 0, NULL, 24, i * 32);
  }
  pad (&file, 32);
  put_zeros (&file, MANY * 32);
  write_bytes (path, &file);
  must_be_refused (w, "many tensors, one of them twice", path, file.size, ADZE_E_FORMAT,
                   "\"0\"|same name");
  free (file.data);
}

static void
products_and_sums_do_not_wrap (void **state)
{
  world *w = *state;
  static const struct {
    uint64_t dims[4];
    uint32_t rank, type;
    const char *words;
  } shapes[] = { { { UINT64_C (1) << 40, UINT64_C (1) << 40 }, 2, 0, "too large" },
                 { { UINT64_C (1) << 32, UINT64_C (1) << 32 }, 2, 24, "too large" },
                 { { UINT64_C (1) << 62, 2 }, 2, 0, "too large" },
                 { { INT64_MAX, 1 }, 2, 0, "too large" },
                 { { INT64_MAX, 1 }, 2, 24, "too large" },
                 { { 256, UINT64_C (1) << 54 }, 2, 12, "do not lie in the file" },
                 { { 256, UINT64_C (1) << 55 }, 2, 12, "too large" },
                 { { 0, UINT64_C (1) << 62, UINT64_C (1) << 62 }, 3, 0, "too large" } };
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    bytes file = { 0 };
    put_head (&file, 3, 1, 0);
    put_entry (&file, "w", shapes[i].rank, shapes[i].dims, shapes[i].type, 0);
    pad (&file, 32);
    put_zeros (&file, 64);
    write_bytes (in_world (w, "wrap.gguf"), &file);
    must_be_refused (w, "a shape", in_world (w, "wrap.gguf"), file.size, ADZE_E_FORMAT,
                     shapes[i].words);
    free (file.data);
  }
}

static void
holes_and_leftovers_are_refused (void **state)
{
  world *w = *state;
  sound_file sound = make_sound ();
  const char *path = in_world (w, "hole.gguf");
  bytes longer = copy_of (&sound.bytes);
  put_zeros (&longer, 32);
  write_bytes (path, &longer);
  must_be_refused (w, "leftovers", path, longer.size, ADZE_E_FORMAT, "belong to none");
  put_zeros (&longer, 32);
  patch (&longer, sound.at[LAST_OFFSET], 128, 8);
  write_bytes (path, &longer);
  must_be_refused (w, "a hole", path, longer.size, ADZE_E_FORMAT, "belong to no tensor");
  free (longer.data);
  free (sound.bytes.data);
}

static void
long_names_and_keys_are_refused (void **state)
{
  world *w = *state;
  char name[65537];
  memset (name, 'n', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  bytes key = { 0 };
  put_u32 (&key, name, 1);
  refuse_key (w, "a long key", 1, &key, ADZE_E_FORMAT, "65536 bytes");
  free (key.data);
  bytes file = { 0 };
  name[2000] = '\0';
  put_head (&file, 3, 1, 0);
  put_entry (&file, name, DIMS (1), 24, 0);
  pad (&file, 32);
  put_zeros (&file, 32);
  write_bytes (in_world (w, "long.gguf"), &file);
  must_be_refused (w, "a long name", in_world (w, "long.gguf"), file.size, ADZE_E_FORMAT,
                   "2000 bytes|nnn...");
  free (file.data);
}

static void
structure_has_a_limit (void **state)
{
  world *w = *state;
  bytes file = { 0 };
  adze_model *model = NULL;
  put_head (&file, 3, 0, 1);
  put_array (&file, "k", ADZE_META_U8, 300000);
  put_zeros (&file, 300000);
  write_bytes (in_world (w, "large.gguf"), &file);
  adze_format_options options = { .structure_limit = 250000 };
  must_fail (adze_model_open (w->runtime, in_world (w, "large.gguf"), &options, &model),
             ADZE_E_LIMIT, "large.gguf", "300000 bytes", "limit", NULL);
  adze_model_close (open_model (w, in_world (w, "large.gguf")));
  free (file.data);
}

/* A count alone says it, before anything is read. */
static void
there_are_so_many_entries_and_no_more (void **state)
{
  world *w = *state;
  enum { MANY = 100001 };
  adze_model *model = NULL;
  adze_format_options options = { .structure_limit = 5000000 };
  bytes file = { 0 };
  put_head (&file, 3, 0, MANY);
  put_zeros (&file, MANY * 14);
  write_bytes (in_world (w, "many.gguf"), &file);
  must_fail (adze_model_open (w->runtime, in_world (w, "many.gguf"), &options, &model),
             ADZE_E_LIMIT, "many.gguf", "100001 named values", "100000", NULL);
  patch (&file, 8, MANY, 8);
  patch (&file, 16, 0, 8);
  write_bytes (in_world (w, "many.gguf"), &file);
  must_fail (adze_model_open (w->runtime, in_world (w, "many.gguf"), &options, &model),
             ADZE_E_LIMIT, "100001 tensors", NULL);
  file.size = 24;
  patch (&file, 8, 0, 8);
  patch (&file, 16, 1, 8);
  put_array (&file, "k", ADZE_META_ARRAY, MANY);
  put_zeros (&file, MANY * 12);
  write_bytes (in_world (w, "many.gguf"), &file);
  must_fail (adze_model_open (w->runtime, in_world (w, "many.gguf"), &options, &model),
             ADZE_E_LIMIT, "100001 arrays in arrays", NULL);
  free (file.data);
}

/* ---- Models that were split. */

static void
write_part (world *w, const char *name, uint32_t number, uint32_t count, uint32_t tensors,
            const char *tensor)
{
  bytes file = { 0 };
  put_head (&file, 3, 1, 3);
  put_key (&file, "split.no", ADZE_META_U16);
  put_number (&file, number, 2);
  put_key (&file, "split.count", ADZE_META_U16);
  put_number (&file, count, 2);
  put_u32 (&file, "split.tensors.count", tensors);
  put_entry (&file, tensor, DIMS (4), 0, 0);
  pad (&file, 32);
  put_weights (&file, 16);
  pad (&file, 32);
  write_bytes (in_world (w, name), &file);
  free (file.data);
}

static void
parts_that_do_not_fit_are_refused (void **state)
{
  world *w = *state;
  const char *path = in_world (w, "s-00001-of-00002.gguf");
  write_part (w, "s-00001-of-00002.gguf", 0, 2, 2, "a");
  write_part (w, "s-00002-of-00002.gguf", 1, 2, 2, "b");
  adze_model_close (open_model (w, path));
  write_part (w, "s-00002-of-00002.gguf", 1, 2, 2, "a");
  must_be_refused (w, "a tensor in both", path, 4096, ADZE_E_FORMAT, "\"a\"|same name");
  write_part (w, "s-00002-of-00002.gguf", 1, 3, 2, "b");
  must_be_refused (w, "another count", path, 4096, ADZE_E_FORMAT,
                   "split.count is 3|2 in the first|s-00002-of-00002.gguf");
  write_part (w, "s-00002-of-00002.gguf", 1, 2, 2, "b");
  write_part (w, "s-00001-of-00002.gguf", 0, 2, 3, "a");
  must_be_refused (w, "tensors that are missing", path, 4096, ADZE_E_FORMAT,
                   "split.tensors.count is 3|have 2");
  write_part (w, "s-00001-of-00002.gguf", 0, 65535, 2, "a");
  must_be_refused (w, "more parts than the name says", path, 4096, ADZE_E_FORMAT,
                   "first of 65535 files");
}

/* Until none fails any more: an error or the model, and nothing is left behind. */
static void
each_allocation_may_fail (void **state)
{
  world *w = *state;
  sound_file sound = make_sound ();
  write_bytes (in_world (w, "sound.gguf"), &sound.bytes);
  free (sound.bytes.data);
  all_allocations_fail_in_turn (w, in_world (w, "sound.gguf"), in_world (w, "out.gguf"));
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    WITH_FORMATS (each_is_refused),
    WITH_FORMATS (a_file_that_is_cut_off_is_refused),
    WITH_FORMATS (no_byte_can_do_harm),
    WITH_FORMATS (arrays_nest_so_far_and_no_further),
    WITH_FORMATS (large_structures_take_heap_in_proportion),
    WITH_FORMATS (many_tensors_take_heap_in_proportion),
    WITH_FORMATS (products_and_sums_do_not_wrap),
    WITH_FORMATS (holes_and_leftovers_are_refused),
    WITH_FORMATS (long_names_and_keys_are_refused),
    WITH_FORMATS (structure_has_a_limit),
    WITH_FORMATS (there_are_so_many_entries_and_no_more),
    WITH_FORMATS (each_allocation_may_fail),
    WITH_FORMATS (parts_that_do_not_fit_are_refused),
  };
  return cmocka_run_group_tests_name ("gguf-hostile", tests, NULL, NULL);
}
