/* SPDX-License-Identifier: Apache-2.0 */
/* Files of safetensors that somebody made to do harm, or that were damaged: each is refused with
 * what is wrong and where, and without taking more heap than its size allows. */
#include "safetensors-files.h"
#include "static-build.h"

typedef struct bad_header {
  const char *what;
  const char *header;
  size_t weights;
  adze_status status;
  const char *words;
} bad_header;

#define A T ("a", "U8", "[4]", 0, 4)
#define FIELDS(fields) "{\"a\":{" fields "}}"
#define META(text) "{\"__metadata__\":" text "," A "}"
#define VALUES(text) "{\"__metadata__\":{\"adze.metadata\":\"" text "\"}," A "}"

static const bad_header table[] = {
  /* JSON. */
  { "nothing in it", "{", 0, ADZE_E_FORMAT, "has 9 bytes|at least 10" },
  { "spaces first", " {}", 0, ADZE_E_FORMAT, "at byte 8|begins with '{'|0x20" },
  { "a list", "[{}]", 0, ADZE_E_FORMAT, "begins with '{'" },
  { "not closed", "{" A, 4, ADZE_E_FORMAT, "needed is ',' or '}'|the end" },
  { "something behind", "{" A "} x", 4, ADZE_E_FORMAT, "'x'|where the object has ended" },
  { "two objects", "{" A "}{}", 4, ADZE_E_FORMAT, "where the object has ended" },
  { "a comma too many", "{" A ",}", 4, ADZE_E_FORMAT, "a tensor's name|'}'" },
  { "a comma first", "{," A "}", 4, ADZE_E_FORMAT, "a tensor's name|','" },
  { "no comma", "{" A " " T ("b", "U8", "[0]", 4, 4) "}", 4, ADZE_E_FORMAT, "needed is ','" },
  { "no colon", "{\"a\" {}}", 0, ADZE_E_FORMAT, "':'" },
  { "a name without quotes", "{a:1}", 0, ADZE_E_FORMAT, "in quotes|'a'" },
  { "a name without an end", "{\"a:1}", 0, ADZE_E_FORMAT, "closing quote" },
  { "a name that ends in a backslash", "{\"a\\", 0, ADZE_E_FORMAT, "backslash" },
  { "an escape that is none", "{\"\\x61\":1}", 0, ADZE_E_FORMAT, "backslash" },
  { "half an escape", "{\"\\u12\":1}", 0, ADZE_E_FORMAT, "four hexadecimal digits" },
  { "half a character", "{\"\\ud83d\":1}", 0, ADZE_E_FORMAT, "first half" },
  { "the other half", "{\"\\ude00\":1}", 0, ADZE_E_FORMAT, "second half" },
  { "two first halves", "{\"\\ud83d\\ud83d\":1}", 0, ADZE_E_FORMAT, "first half" },
  { "a line break in a name", "{\"a\nb\":1}", 0, ADZE_E_FORMAT, "0x0a|escaped" },
  { "no UTF-8", "{\"\xff\":1}", 0, ADZE_E_FORMAT, "UTF-8" },
  { "UTF-8 that is too long", "{\"\xc0\xaf\":1}", 0, ADZE_E_FORMAT, "UTF-8" },
  { "UTF-8 of half a character", "{\"\xed\xa0\x80\":1}", 0, ADZE_E_FORMAT, "UTF-8" },
  { "UTF-8 beyond Unicode", "{\"\xf4\x90\x80\x80\":1}", 0, ADZE_E_FORMAT, "UTF-8" },
  /* Tensors. */
  { "a tensor that is a number", "{\"a\":1}", 0, ADZE_E_FORMAT, "beginning of a tensor" },
  { "a tensor without a name", "{" T ("", "U8", "[4]", 0, 4) "}", 4, ADZE_E_FORMAT, "no name" },
  { "a zero byte in a name", "{" T ("a\\u0000b", "U8", "[4]", 0, 4) "}", 4, ADZE_E_FORMAT,
    "zero byte" },
  { "a name twice", "{" A "," T ("a", "U8", "[1]", 4, 5) "}", 5, ADZE_E_FORMAT,
    "\"a\"|same name" },
  { "a name twice, once escaped", "{" A "," T ("\\u0061", "U8", "[1]", 4, 5) "}", 5,
    ADZE_E_FORMAT, "\"a\"|same name" },
  { "no dtype", FIELDS ("\"shape\":[4],\"data_offsets\":[0,4]"), 4, ADZE_E_FORMAT,
    "'a' has no dtype" },
  { "no shape", FIELDS ("\"dtype\":\"U8\",\"data_offsets\":[0,4]"), 4, ADZE_E_FORMAT,
    "'a' has no shape" },
  { "no place", FIELDS ("\"dtype\":\"U8\",\"shape\":[4]"), 4, ADZE_E_FORMAT,
    "'a' has no data_offsets" },
  { "nothing at all", FIELDS (""), 0, ADZE_E_FORMAT, "'a' has no dtype" },
  { "a field twice", FIELDS ("\"shape\":[4],\"shape\":[4]"), 4, ADZE_E_FORMAT, "'shape'|twice" },
  { "a field too many", FIELDS ("\"strides\":[4]"), 4, ADZE_E_FORMAT, "'strides'|data_offsets" },
  { "a dtype that is none", "{" T ("a", "F33", "[1]", 0, 4) "}", 4, ADZE_E_FORMAT,
    "'F33'|is no dtype" },
  { "a dtype in small letters", "{" T ("a", "f32", "[1]", 0, 4) "}", 4, ADZE_E_FORMAT, "'f32'" },
  { "a dtype that is a number", FIELDS ("\"dtype\":7"), 4, ADZE_E_FORMAT, "a dtype in quotes" },
  { "a negative dimension", "{" T ("a", "U8", "[-4]", 0, 4) "}", 4, ADZE_E_FORMAT,
    "a dimension|not negative" },
  { "a broken dimension", "{" T ("a", "U8", "[4.0]", 0, 4) "}", 4, ADZE_E_FORMAT,
    "whole number" },
  { "a dimension with a power", "{" T ("a", "U8", "[4e0]", 0, 4) "}", 4, ADZE_E_FORMAT,
    "whole number" },
  { "a dimension with a zero first", "{" T ("a", "U8", "[04]", 0, 4) "}", 4, ADZE_E_FORMAT,
    "begins with 0" },
  { "a dimension of 2^63", "{" T ("a", "U8", "[9223372036854775808]", 0, 4) "}", 4,
    ADZE_E_FORMAT, "9223372036854775808|2^63 - 1" },
  { "a dimension of 2^64", "{" T ("a", "U8", "[18446744073709551616]", 0, 4) "}", 4,
    ADZE_E_FORMAT, "2^64 - 1" },
  { "dimensions whose product wraps to 0",
    "{" T ("a", "U8", "[1099511627776,1099511627776]", 0, 4) "}", 4, ADZE_E_FORMAT, "too large" },
  { "dimensions whose product wraps to 4",
    "{" T ("a", "U8", "[4,4611686018427387905]", 0, 4) "}", 4, ADZE_E_FORMAT, "too large" },
  { "bytes that wrap", "{" T ("a", "F64", "[2305843009213693952]", 0, 0) "}", 0, ADZE_E_FORMAT,
    "" },
  { "a zero that hides others",
    "{" T ("a", "U8", "[0,4611686018427387904,4611686018427387904]", 0, 0) "}", 0, ADZE_E_FORMAT,
    "too large" },
  { "33 dimensions",
    "{" T ("a", "U8", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", 0, 1)
    "}", 1, ADZE_E_FORMAT, "more than 32 dimensions" },
  { "a shape that is a text", FIELDS ("\"shape\":\"4\""), 4, ADZE_E_FORMAT,
    "beginning of a shape" },
  { "lists in a shape", FIELDS ("\"shape\":[[[[[[[[4]]]]]]]]"), 4, ADZE_E_FORMAT, "a dimension" },
  { "one offset", FIELDS ("\"data_offsets\":[0]"), 4, ADZE_E_FORMAT, "','|two offsets" },
  { "three offsets", FIELDS ("\"data_offsets\":[0,4,8]"), 4, ADZE_E_FORMAT, "']'|two offsets" },
  { "an end before the beginning", "{" T ("a", "U8", "[4]", 4, 0) "}", 4, ADZE_E_FORMAT,
    "ends at 0|begins at 4" },
  { "an end beyond the file", "{" T ("a", "U8", "[5]", 0, 5) "}", 4, ADZE_E_FORMAT,
    "'a' ends at byte 5|has 4|cut off" },
  { "an end at 2^64 - 1",
    "{" T ("a", "U8", "[4]", 18446744073709551611, 18446744073709551615) "}", 4, ADZE_E_FORMAT,
    "18446744073709551615" },
  { "fewer bytes than elements", "{" T ("a", "F32", "[4]", 0, 4) "}", 4, ADZE_E_FORMAT,
    "\"a\"|16 bytes" },
  { "more bytes than elements", "{" T ("a", "U8", "[1]", 0, 4) "}", 4, ADZE_E_FORMAT, "\"a\"" },
  { "elements without bytes", "{" T ("a", "U8", "[4]", 0, 0) "}", 0, ADZE_E_FORMAT,
    "'a' has elements|no bytes" },
  { "bytes without elements", "{" T ("a", "U8", "[0]", 0, 4) "}", 4, ADZE_E_FORMAT, "\"a\"" },
  { "half a byte", "{" T ("a", "F4", "[3]", 0, 2) "}", 2, ADZE_E_FORMAT, "'a'|F4|whole byte" },
  { "a part of a byte", "{" T ("a", "F6_E2M3", "[3]", 0, 3) "}", 3, ADZE_E_FORMAT,
    "F6_E2M3|whole byte" },
  { "a hole at first", "{" T ("a", "U8", "[4]", 2, 6) "}", 6, ADZE_E_FORMAT,
    "belong to no tensor" },
  { "a hole", "{" A "," T ("b", "U8", "[1]", 5, 6) "}", 6, ADZE_E_FORMAT, "belong to no tensor" },
  { "an overlap", "{" A "," T ("b", "U8", "[2]", 3, 5) "}", 5, ADZE_E_FORMAT, "overlap" },
  { "the same bytes", "{" A "," T ("b", "U8", "[4]", 0, 4) "}", 4, ADZE_E_FORMAT, "overlap" },
  { "leftovers", "{" A "}", 5, ADZE_E_FORMAT, "belong to none" },
  { "nothing but leftovers", "{}", 1, ADZE_E_FORMAT, "belong to none" },
  /* Metadata. */
  { "metadata that is a list", META ("[]"), 4, ADZE_E_FORMAT, "__metadata__" },
  { "metadata that is null", META ("null"), 4, ADZE_E_FORMAT, "__metadata__" },
  { "a value that is a number", META ("{\"a\":1}"), 4, ADZE_E_FORMAT, "must be a text" },
  { "a value that is an object", META ("{\"a\":{}}"), 4, ADZE_E_FORMAT, "must be a text" },
  { "a key twice", META ("{\"k\":\"1\",\"k\":\"2\"}"), 4, ADZE_E_FORMAT, "\"k\"|same name" },
  { "metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, ADZE_E_FORMAT,
    "__metadata__ comes twice" },
  /* Values that are no texts. */
  { "values that are no JSON", VALUES ("x"), 4, ADZE_E_FORMAT, "text adze.metadata" },
  { "values that are a list", VALUES ("[]"), 4, ADZE_E_FORMAT, "text adze.metadata" },
  { "a type that is none", VALUES ("{\\\"k\\\":{\\\"u7\\\":1}}"), 4, ADZE_E_FORMAT, "'u7'" },
  { "a value without a type", VALUES ("{\\\"k\\\":1}"), 4, ADZE_E_FORMAT, "with its type" },
  { "a number that is too large", VALUES ("{\\\"k\\\":{\\\"u8\\\":256}}"), 4, ADZE_E_FORMAT,
    "8 bits" },
  { "a negative number", VALUES ("{\\\"k\\\":{\\\"u8\\\":-1}}"), 4, ADZE_E_FORMAT, "8 bits" },
  { "a number that is too small", VALUES ("{\\\"k\\\":{\\\"i8\\\":-129}}"), 4, ADZE_E_FORMAT,
    "8 bits" },
  { "bits that are none", VALUES ("{\\\"k\\\":{\\\"f32\\\":\\\"0x7fc\\\"}}"), 4, ADZE_E_FORMAT,
    "8 hexadecimal" },
  { "a truth that is null", VALUES ("{\\\"k\\\":{\\\"bool\\\":null}}"), 4, ADZE_E_FORMAT,
    "true or false" },
  { "an array that is none", VALUES ("{\\\"k\\\":{\\\"array\\\":1}}"), 4, ADZE_E_FORMAT, "'['" },
  { "an array of a number", VALUES ("{\\\"k\\\":{\\\"array\\\":[{\\\"u8\\\":1}]}}"), 4,
    ADZE_E_FORMAT, "is none" },
  { "digits that are none", VALUES ("{\\\"k\\\":{\\\"str\\\":{\\\"hex\\\":\\\"f\\\"}}}"), 4,
    ADZE_E_FORMAT, "pairs" },
  { "something behind the values", VALUES ("{} {}"), 4, ADZE_E_FORMAT, "ended" },
  { "a value twice", VALUES ("{\\\"k\\\":{\\\"u8\\\":1},\\\"k\\\":{\\\"u8\\\":1}}"), 4,
    ADZE_E_FORMAT, "\"k\"|same name" },
  { "a value that is a text, too",
    "{\"__metadata__\":{\"k\":\"1\",\"adze.metadata\":\"{\\\"k\\\":{\\\"u8\\\":1}}\"}}", 0,
    ADZE_E_FORMAT, "\"k\"|same name" },
};

static void
each_is_refused (void **state)
{
  world *w = *state;
  const char *path = in_world (w, "bad.safetensors");
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    write_tensors (path, table[i].header, table[i].weights);
    must_be_refused (w, table[i].what, path, strlen (table[i].header) + table[i].weights + 8,
                     table[i].status, table[i].words);
  }
}

static void
a_length_is_not_believed (void **state)
{
  world *w = *state;
  static const struct {
    uint64_t length;
    const char *words;
  } lengths[] = { { UINT64_MAX, "18446744073709551615 bytes" },
                  { UINT64_MAX - 7, "18446744073709551608 bytes" },
                  { UINT64_C (1) << 63, "9223372036854775808 bytes" },
                  { UINT64_C (1) << 32, "4294967296 bytes" },
                  { 1000, "1000 bytes|cut off" },
                  { 1, "a header of 1 bytes" },
                  { 0, "a header of 0 bytes" } };
  const char *path = in_world (w, "length.safetensors");
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    bytes file = tensors_file ("{" A "}", strlen ("{" A "}"), 4);
    patch (&file, 0, lengths[i].length, 8);
    write_bytes (path, &file);
    must_be_refused (w, "a length", path, file.size, ADZE_E_FORMAT, lengths[i].words);
    free (file.data);
  }
}

static void
a_file_that_is_cut_off_is_refused (void **state)
{
  world *w = *state;
  static const char header[] = "{\"__metadata__\":{\"k\":\"v\"}," A "}";
  bytes file = tensors_file (header, strlen (header), 4);
  const char *path = in_world (w, "cut.safetensors");
  bytes cut = file;
  for (cut.size = 0; cut.size < file.size; cut.size++) {
    write_bytes (path, &cut);
    must_be_refused (w, "cut off", path, cut.size, ADZE_OK, "cut.safetensors");
  }
  free (file.data);
}

/* Any byte changed: it is taken or refused, and nothing else happens. */
static void
no_byte_can_do_harm (void **state)
{
  world *w = *state;
  static const char header[]
      = "{\"__metadata__\":{\"s\":\"\\u00e9\",\"adze.metadata\":\"{\\\"s\\\":null,\\\"n\\\":"
        "{\\\"array\\\":[{\\\"f32\\\":[1.5,\\\"0x7fc00000\\\"]},{\\\"str\\\":[{\\\"hex\\\":"
        "\\\"ff\\\"}]}]}}\"}," A "}";
  static const char values[] = { 0, ' ', '"', '\\', '0', '9', '-', '{', '}', '[', ']', ',', ':',
                                 'u', (char)0xff };
  bytes file = tensors_file (header, strlen (header), 4);
  const char *path = in_world (w, "any.safetensors");
  for (size_t i = 0; i < file.size; i++)
    for (size_t j = 0; j < sizeof values; j++) {
      unsigned char was = file.data[i];
      adze_model *model = NULL;
      file.data[i] = (unsigned char)values[j];
      write_bytes (path, &file);
      adze_error *error = adze_model_open (w->runtime, path, NULL, &model);
      assert_true (!error == !!model);
      adze_error_free (error);
      adze_model_close (model);
      file.data[i] = was;
    }
  free (file.data);
}

static void
refuse_text (world *w, const char *what, const bytes *header, size_t weights, const char *words)
{
  const char *path = in_world (w, "large.safetensors");
  bytes file = tensors_file ((const char *)header->data, header->size, weights);
  write_bytes (path, &file);
  must_be_refused (w, what, path, file.size, ADZE_E_FORMAT, words);
  free (file.data);
}

static void
put_words (bytes *into, const char *words)
{
  put (into, words, strlen (words));
}

/* BEFORE, a number, BEHIND. */
static void
put_numbered (bytes *into, const char *before, unsigned number, const char *behind)
{
  char digits[16];
  snprintf (digits, sizeof digits, "%x", number);
  put_words (into, before);
  put_words (into, digits);
  put_words (into, behind);
}

/* Each is refused at its very end, when all of it has been taken. */
static void
large_headers_take_heap_in_proportion (void **state)
{
  world *w = *state;
  enum { MANY = 50000 };
  bytes header = { 0 };
  put_words (&header, "{");
  for (unsigned i = 0; i < MANY; i++)
    put_numbered (&header, "\"", i, "\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]},");
  put_words (&header, T ("0", "U8", "[]", 0, 1) "}");
  refuse_text (w, "many tensors", &header, 1, "same name");
  header.size = 0;
  put_words (&header, "{\"__metadata__\":{");
  for (unsigned i = 0; i < MANY; i++)
    put_numbered (&header, "\"", i, "\":\"\",");
  put_words (&header, "\"0\":\"\"}}");
  refuse_text (w, "many texts", &header, 0, "same name");
  header.size = 0;
  put_words (&header, "{\"__metadata__\":{\"adze.metadata\":\"{\\\"a\\\":{\\\"array\\\":[");
  for (unsigned i = 0; i < MANY; i++)
    put_words (&header, "{\\\"str\\\":[\\\"\\\"]},");
  put_words (&header, "{\\\"u8\\\":[]}]},\\\"a\\\":{\\\"u8\\\":1}}\"}}");
  refuse_text (w, "many arrays", &header, 0, "same name");
  header.size = 0;
  put_words (&header, "{\"a\":{\"dtype\":\"U8\",\"shape\":[");
  for (unsigned i = 0; i < MANY; i++)
    put_words (&header, "1,");
  put_words (&header, "1]}}");
  refuse_text (w, "many dimensions", &header, 0, "more than 32 dimensions");
  free (header.data);
}

static void
nesting_ends_at_once (void **state)
{
  world *w = *state;
  for (unsigned kind = 0; kind < 3; kind++) {
    bytes header = { 0 };
    put_words (&header, kind == 2 ? "{\"__metadata__\":{\"adze.metadata\":\"{\\\"a\\\":" : "{\"a\":");
    for (unsigned i = 0; i < 100000; i++)
      put_words (&header, kind == 0 ? "[" : kind == 1 ? "{\"a\":" : "{\\\"array\\\":[");
    if (kind == 2)
      put_words (&header, "\"}}");
    refuse_text (w, "nested", &header, 0, kind == 2 ? "nested more than 8 deep" : "");
    free (header.data);
  }
}

static void
structure_has_a_limit (void **state)
{
  world *w = *state;
  adze_model *model = NULL;
  write_tensors (in_world (w, "a.safetensors"), "{" A "}", 4);
  adze_format_options options = { .structure_limit = 50 };
  must_fail (adze_model_open (w->runtime, in_world (w, "a.safetensors"), &options, &model),
             ADZE_E_LIMIT, "a.safetensors", "50 are the most", NULL);
}

static void
there_are_so_many_entries_and_no_more (void **state)
{
  world *w = *state;
  enum { MANY = 100001 };
  adze_model *model = NULL;
  adze_format_options options = { .structure_limit = 9000000 };
  static const char *const begin[] = { "{", "{\"__metadata__\":{",
                                       "{\"__metadata__\":{\"adze.metadata\":\"{" };
  static const char *const behind[]
      = { "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},", "\":\"\",",
          "\\\":{\\\"u8\\\":1}," };
  for (unsigned kind = 0; kind < 3; kind++) {
    bytes header = { 0 };
    put_words (&header, begin[kind]);
    for (unsigned i = 0; i < MANY; i++)
      put_numbered (&header, kind == 2 ? "\\\"" : "\"", i, behind[kind]);
    put_words (&header, kind == 2 ? "\"}}" : "}");
    bytes file = tensors_file ((const char *)header.data, header.size, 0);
    write_bytes (in_world (w, "many.safetensors"), &file);
    must_fail (adze_model_open (w->runtime, in_world (w, "many.safetensors"), &options, &model),
               ADZE_E_LIMIT, "many.safetensors", "more than 100000", NULL);
    free (header.data);
    free (file.data);
  }
}

/* Until none fails any more: an error or the model, and nothing is left behind. */
static void
each_allocation_may_fail (void **state)
{
  world *w = *state;
  write_tensors (in_world (w, "sound.safetensors"),
                 "{\"__metadata__\":{\"s\":\"\\u00e9\",\"adze.metadata\":\"{\\\"s\\\":null,"
                 "\\\"n\\\":{\\\"array\\\":[{\\\"f32\\\":[1.5,2,3,4,5]},"
                 "{\\\"str\\\":[\\\"a\\\"]}]}}\"}," A "}", 4);
  all_allocations_fail_in_turn (w, in_world (w, "sound.safetensors"),
                                in_world (w, "out.safetensors"));
  write_text (in_world (w, "m.safetensors.index.json"),
              "{\"weight_map\":{\"a\":\"sound.safetensors\"}}");
  all_allocations_fail_in_turn (w, in_world (w, "m.safetensors.index.json"),
                                in_world (w, "out.safetensors.index.json"));
}

/* ---- Several files. */

static void
refuse_index (world *w, const char *what, const char *index, adze_status status, const char *words)
{
  const char *path = in_world (w, "m.safetensors.index.json");
  write_text (path, index);
  must_be_refused (w, what, path, strlen (index) + 400, status, words);
}

#define MAP(map) "{\"weight_map\":{" map "}}"
#define TWO "\"a\":\"m1.safetensors\",\"b\":\"m2.safetensors\""

static void
an_index_is_not_believed (void **state)
{
  world *w = *state;
  write_tensors (in_world (w, "m1.safetensors"), "{\"__metadata__\":{\"k\":\"1\"}," A "}", 4);
  write_tensors (in_world (w, "m2.safetensors"), "{" T ("b", "U8", "[1]", 0, 1) "}", 1);
  write_tensors (in_world (w, "m3.safetensors"),
                 "{\"__metadata__\":{\"k\":\"2\"}," T ("c", "U8", "[1]", 0, 1) "}", 1);
  write_tensors (in_world (w, "m4.safetensors"), "{" A "}", 4);
  write_text (in_world (w, "m.safetensors.index.json"), MAP (TWO));
  adze_model_close (open_model (w, in_world (w, "m.safetensors.index.json")));
  refuse_index (w, "nothing", "", ADZE_OK, "m.safetensors.index.json");
  refuse_index (w, "an empty object", "{}", ADZE_E_FORMAT, "no weight_map");
  refuse_index (w, "no tensors", MAP (""), ADZE_E_FORMAT, "names no tensor");
  refuse_index (w, "a map that is a list", "{\"weight_map\":[]}", ADZE_E_FORMAT, "weight_map");
  refuse_index (w, "a map twice", "{\"weight_map\":{},\"weight_map\":{}}", ADZE_E_FORMAT, "twice");
  refuse_index (w, "something else", "{\"weights\":{}}", ADZE_E_FORMAT, "'weights'|weight_map");
  refuse_index (w, "a value that is an object",
                "{\"metadata\":{\"x\":{}},\"weight_map\":{" TWO "}}", ADZE_E_FORMAT,
                "'x' is an object");
  refuse_index (w, "a file that is a number", MAP ("\"a\":1"), ADZE_E_FORMAT, "a file's name");
  refuse_index (w, "a file that is missing", MAP (TWO ",\"c\":\"m9.safetensors\""),
                ADZE_E_NOT_FOUND, "m9.safetensors");
  refuse_index (w, "a file elsewhere", MAP ("\"a\":\"../m1.safetensors\""), ADZE_E_TRUST, "..");
  refuse_index (w, "an absolute file", MAP ("\"a\":\"/etc/passwd\""), ADZE_E_TRUST, "absolute");
  refuse_index (w, "a zero byte in a file's name", MAP ("\"a\":\"m1\\u0000.safetensors\""),
                ADZE_E_FORMAT, "zero byte");
  refuse_index (w, "a tensor twice", MAP (TWO ",\"a\":\"m1.safetensors\""), ADZE_E_FORMAT,
                "'a' twice");
  refuse_index (w, "a tensor in two files", MAP (TWO ",\"a\":\"m4.safetensors\""), ADZE_E_FORMAT,
                "\"a\"|same name");
  refuse_index (w, "a tensor that is not there", MAP (TWO ",\"z\":\"m1.safetensors\""),
                ADZE_E_FORMAT, "'z' is in|m1.safetensors|it is not");
  refuse_index (w, "a tensor that the index does not name", MAP ("\"b\":\"m1.safetensors\""),
                ADZE_E_FORMAT, "'a' is in it|does not say so");
  refuse_index (w, "another metadata", MAP (TWO ",\"c\":\"m3.safetensors\""), ADZE_E_FORMAT,
                "m3.safetensors|another 'k'");
  refuse_index (w, "something behind", MAP (TWO) "x", ADZE_E_FORMAT, "'x'|ended");
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    WITH_FORMATS (each_is_refused),
    WITH_FORMATS (a_length_is_not_believed),
    WITH_FORMATS (a_file_that_is_cut_off_is_refused),
    WITH_FORMATS (no_byte_can_do_harm),
    WITH_FORMATS (large_headers_take_heap_in_proportion),
    WITH_FORMATS (nesting_ends_at_once),
    WITH_FORMATS (structure_has_a_limit),
    WITH_FORMATS (there_are_so_many_entries_and_no_more),
    WITH_FORMATS (each_allocation_may_fail),
    WITH_FORMATS (an_index_is_not_believed),
  };
  return cmocka_run_group_tests_name ("safetensors-hostile", tests, NULL, NULL);
}
