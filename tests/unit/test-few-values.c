/* SPDX-License-Identifier: Apache-2.0 */
/* Codecs of tensors with few different values or few that are not zero: every bit comes back, however the rows come
 * and whoever looks at them; sizes are those of what there is; what does not fit is refused with its number; and what
 * a damaged file may say is not believed. */
#include "codec-at-work.h"

#include <float.h>
#include <math.h>

#include <adze/half.h>

#define OPEN(id, ...) open_codec (id, (const char *const[]){ __VA_ARGS__, NULL })

/* ---- A tensor of ROWS channels, its codes, and what comes back. */

enum { ROWS = 5, MOST = 5000, FOUND = 1 << 17 };

typedef struct tensor {
  adze_tensor_meta meta;
  int64_t shape[3];
  uint64_t columns;
  float values[ROWS * MOST], back[ROWS * MOST];
  adze_coded coded;
  _Alignas (16) uint8_t planes[2][ROWS * MOST * 8];
  _Alignas (16) uint8_t found[FOUND], part[FOUND];
} tensor;

static tensor t;

static void
shape_it (uint64_t columns)
{
  memset (&t, 0, sizeof t);
  t.columns = columns;
  t.shape[0] = ROWS;
  t.shape[1] = columns % 3 == 0 ? 3 : 1;
  t.shape[2] = (int64_t)columns / t.shape[1];
  t.meta = (adze_tensor_meta){ .struct_size = sizeof t.meta,
                               .rank = 3,
                               .name = "t",
                               .shape = t.shape,
                               .dtype = { ADZE_FLOAT, 32, 1 } };
}

/* In CUTS pieces, which end anywhere. */
static void
observe (uint64_t cuts)
{
  uint64_t all = ROWS * t.columns, first = 0;
  size_t size;
  must (adze_codec_accumulator (use, &t.meta, &size));
  assert_true (size <= FOUND);
  memset (t.found, 0, sizeof t.found);
  for (uint64_t i = 1; i <= cuts; i++) {
    uint64_t end = i * all / cuts;
    memset (t.part, 0, sizeof t.part);
    must (adze_codec_observe (use, &t.meta, t.values + first, first, end - first, t.part));
    must (adze_codec_merge (use, t.found, t.part));
    first = end;
  }
}

static uint64_t
plane_bytes (uint32_t number)
{
  uint64_t bytes = t.coded.planes[number].dtype.bits / 8;
  for (int32_t i = 0; i < t.coded.planes[number].rank; i++)
    bytes *= (uint64_t)t.coded.planes[number].shape[i];
  return bytes;
}

static adze_coding
rows_of (const void *found, uint64_t first, uint64_t count, float *values)
{
  adze_coding coding = { .struct_size = sizeof coding,
                         .meta = &t.meta,
                         .coded = &t.coded,
                         .found = found,
                         .first_row = first,
                         .row_count = count,
                         .columns = t.columns,
                         .values = values + first * t.columns };
  for (uint32_t i = 0; i < t.coded.plane_count; i++)
    coding.planes[i] = t.planes[i] + first * adze_plane_row_bytes (&t.coded, i, &t.meta);
  return coding;
}

static adze_error *
encode (uint64_t cuts, uint64_t at_once)
{
  adze_coded largest;
  observe (cuts);
  must (adze_codec_describe (use, &t.meta, NULL, &largest));
  ADZE_TRY (adze_codec_describe (use, &t.meta, t.found, &t.coded));
  assert_int_equal (t.coded.plane_count, largest.plane_count);
  for (uint32_t i = 0; i < largest.plane_count; i++)
    for (int32_t k = 0; k < largest.planes[i].rank; k++)
      assert_true (t.coded.planes[i].shape[k] <= largest.planes[i].shape[k]);
  memset (t.planes, 0xa5, sizeof t.planes);
  at_once = t.coded.whole ? ROWS : at_once;
  for (uint64_t first = 0; first < ROWS; first += at_once) {
    uint64_t count = ROWS - first < at_once ? ROWS - first : at_once;
    adze_coding coding = rows_of (t.found, first, count, t.values);
    ADZE_TRY (adze_codec_encode (use, &coding));
  }
  return NULL;
}

static adze_error *
decode (void)
{
  adze_coding coding = rows_of (NULL, 0, ROWS, t.back);
  return adze_codec_decode (use, &coding);
}

/* ---- Numbers of every kind. */

static uint64_t state_of_random;

static double
uniform (void)
{
  state_of_random = state_of_random * UINT64_C (6364136223846793005) + UINT64_C (1442695040888963407);
  return ((double)(state_of_random >> 33) + 0.5) / 2147483648.0;
}

static float
gauss (void)
{
  return (float)(sqrt (-2 * log (uniform ())) * cos (6.283185307179586 * uniform ()));
}

typedef enum { GAUSS, HEAVY, CONSTANT, DENORMAL, ZERO, OUTLIER, HUGE_, ZEROS, KINDS } kind;

static float
number (kind what, uint64_t at)
{
  switch (what) {
  case GAUSS: return gauss ();
  case HEAVY: return (float)(gauss () / (0.05 + fabs (gauss ())));
  case CONSTANT: return -0.3f;
  case DENORMAL: return gauss () * 1e-40f;
  case ZERO: return 0;
  case OUTLIER: return at == 3 ? 300 : gauss () * 0.1f;
  case HUGE_: return at % 2 ? FLT_MAX : -FLT_MAX;
  default: return at % 3 ? (at % 5 ? 0.0f : -0.0f) : gauss ();
  }
}

/* Numbers of a KIND, VALUES different ones of them; 0: as many as there are. */
static void
fill (kind what, uint32_t values)
{
  static float some[256];
  for (uint32_t i = 0; i < values; i++)
    some[i] = number (what, i);
  for (uint64_t at = 0; at < ROWS * t.columns; at++)
    t.values[at] = values > 0 ? some[(uint32_t)(uniform () * values)] : number (what, at);
}

static void
comes_back (const char *what, uint32_t detail)
{
  static uint8_t before[sizeof t.planes];
  must (encode (1, ROWS));
  memset (t.back, 0xff, sizeof t.back);
  must (decode ());
  if (memcmp (t.values, t.back, ROWS * t.columns * sizeof *t.back) != 0)
    fail_msg ("%s, %d, rows of %d: other numbers come back", what, (int)detail, (int)t.columns);
  memcpy (before, t.planes, sizeof before);
  for (uint64_t cuts = 2; cuts < 5; cuts++) {
    must (encode (cuts, cuts - 1));
    if (memcmp (before, t.planes, sizeof before) != 0)
      fail_msg ("%s, %d: %d pieces give other bytes", what, (int)detail, (int)cuts);
  }
}

static const uint64_t widths[] = { 1, 3, 7, 8, 64, 65, 129, 500 };

/* ---- codebook. */

static void
a_book_gives_all_numbers_back (void **state)
{
  static const uint32_t counts[] = { 1, 2, 3, 5, 16, 17, 100, 256 };
  (void)state;
  for (int channels = 0; channels < 2; channels++)
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
      OPEN ("codebook", channels ? "per = \"channel\"" : "per = \"tensor\"");
      for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++)
        for (kind what = 0; what < KINDS; what++) {
          shape_it (widths[w]);
          fill (what, counts[c]);
          comes_back ("codebook", counts[c]);
        }
    }
}

static void
codes_have_the_bits_that_are_asked_for (void **state)
{
  (void)state;
  for (uint32_t bits = 1; bits <= 8; bits++) {
    char setting[16];
    snprintf (setting, sizeof setting, "bits = %u", bits);
    OPEN ("codebook", setting);
    shape_it (65);
    fill (GAUSS, 2);
    comes_back ("codebook of bits", bits);
    assert_int_equal (plane_bytes (0), ROWS * ((65 * bits + 7) / 8));
    assert_int_equal (plane_bytes (1), 2 * sizeof (float));
  }
}

/* As cluster counts them: as many bits as the values need, and the values. */
static void
a_book_is_no_larger_than_it_must_be (void **state)
{
  static const struct {
    uint32_t values, bits;
  } sizes[] = { { 1, 1 }, { 2, 1 }, { 3, 2 }, { 4, 2 }, { 5, 3 }, { 16, 4 }, { 17, 5 }, { 256, 8 } };
  (void)state;
  OPEN ("codebook", NULL);
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    shape_it (512);
    for (uint64_t at = 0; at < ROWS * t.columns; at++)
      t.values[at] = (float)(at % sizes[i].values) - 1;
    must (encode (2, 2));
    assert_int_equal (plane_bytes (0), ROWS * 512 * sizes[i].bits / 8);
    assert_int_equal (plane_bytes (1), sizes[i].values * sizeof (float));
  }
}

/* As the page says: zero first, then from the least on; the first code in the lowest bits. */
static void
a_book_lies_as_the_page_says (void **state)
{
  const float some[] = { 1, -2, 0, 3, 0, 1 }, book[] = { 0, -2, 1, 3 };
  (void)state;
  OPEN ("codebook", NULL);
  shape_it (6);
  memcpy (t.values, some, sizeof some);
  must (encode (1, ROWS));
  assert_memory_equal (t.planes[1], book, sizeof book);
  assert_memory_equal (t.planes[0], "\xc6\x08\x00\x00", 4);
  OPEN ("codebook", "bits = 3");
  must (encode (1, ROWS));
  assert_memory_equal (t.planes[0], "\x0a\x06\x01\x00\x00\x00", 6);
  OPEN ("codebook", "per = \"channel\"");
  must (encode (1, ROWS));
  assert_memory_equal (t.planes[1], book, sizeof book);
  assert_memory_equal (t.planes[1] + sizeof book, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}

static void
too_many_values_are_refused_with_their_number (void **state)
{
  (void)state;
  OPEN ("codebook", "bits = 4");
  shape_it (1000);
  for (uint64_t at = 0; at < ROWS * t.columns; at++)
    t.values[at] = (float)(at % 17);
  must_fail (encode (3, ROWS), ADZE_E_LIMIT, "'t' has 17 different values", "4 bits has room for 16",
             "cluster it first", "skip = true", NULL);
  OPEN ("codebook", NULL);
  for (uint64_t at = 0; at < ROWS * t.columns; at++)
    t.values[at] = (float)(at % 4096);
  must_fail (encode (2, ROWS), ADZE_E_LIMIT, "'t' has 4096 different values", "8 bits has room for 256",
             NULL);
  for (uint64_t at = 0; at < ROWS * t.columns; at++)
    t.values[at] = (float)at;
  must_fail (encode (2, ROWS), ADZE_E_LIMIT, "'t' has more than 4096 different values", NULL);
  OPEN ("codebook", "per = \"channel\"", "bits = 2");
  for (uint64_t at = 0; at < ROWS * t.columns; at++)
    t.values[at] = (float)(at % (at < 3000 ? 4 : 5));
  must_fail (encode (1, ROWS), ADZE_E_LIMIT, "more than 4 different values in channel 3", NULL);
}

static void
a_damaged_book_is_not_believed (void **state)
{
  (void)state;
  OPEN ("codebook", NULL);
  shape_it (64);
  fill (GAUSS, 3);
  must (encode (1, ROWS));
  t.planes[0][20] = 0xff;
  must_fail (decode (), ADZE_E_FORMAT, "row 1 of 't' has a code that is none of its book's 3", NULL);
  t.coded.planes[1].shape[0] = 1000;
  must_fail (decode (), ADZE_E_FORMAT, "'t' has 16 bytes of codes in a row", NULL);
}

/* ---- sparse. */

static void
few_values_and_their_places_give_all_numbers_back (void **state)
{
  static const char *const places[] = { "places = \"bits\"", "places = \"indices\"" };
  (void)state;
  for (size_t p = 0; p < 2; p++)
    for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++)
      for (kind what = 0; what < KINDS; what++) {
        OPEN ("sparse", places[p]);
        shape_it (widths[w]);
        fill (what, 0);
        for (uint64_t at = 0; at < ROWS * t.columns; at++)
          t.values[at] = at % 7 == 0 && what != ZERO ? t.values[at] : 0;
        comes_back (places[p], what);
      }
  OPEN ("sparse", NULL);
  shape_it (MOST);
  fill (ZEROS, 0);
  comes_back ("sparse, long rows", 0);
}

static void
a_sparse_tensor_is_as_small_as_its_values (void **state)
{
  const float some[] = { 0, 5, 0, -0.0f, 0, 0, 0, 0, 7 }, kept[] = { 5, -0.0f, 7, 9 };
  const int64_t places[] = { 1, 3, 8, 44 };
  (void)state;
  OPEN ("sparse", NULL);
  shape_it (9);
  memcpy (t.values, some, sizeof some);
  t.values[44] = 9;
  must (encode (2, 1));
  assert_int_equal (plane_bytes (0), sizeof kept);
  assert_int_equal (plane_bytes (1), ROWS * 2);
  assert_memory_equal (t.planes[0], kept, sizeof kept);
  assert_memory_equal (t.planes[1], "\x0a\x01\0\0\0\0\0\0\0\x01", 10);
  OPEN ("sparse", "places = \"indices\"");
  must (encode (2, 1));
  assert_int_equal (plane_bytes (1), sizeof places);
  assert_memory_equal (t.planes[1], places, sizeof places);
  OPEN ("sparse", "values = \"f16\"");
  must (encode (2, 1));
  assert_int_equal (plane_bytes (0), 8);
  assert_memory_equal (t.planes[0], "\0\x45\0\x80\0\x47\x80\x48", 8);
}

/* A tensor of 16 bits keeps its type, and all that it has. */
static void
values_have_the_type_that_is_asked_for (void **state)
{
  (void)state;
  OPEN ("sparse", NULL);
  shape_it (65);
  t.meta.dtype = (adze_dtype){ ADZE_BFLOAT, 16, 1 };
  for (uint64_t at = 0; at < ROWS * t.columns; at += 4)
    t.values[at] = adze_bfloat_to_float (adze_bfloat_from_float (gauss ()));
  comes_back ("sparse", 16);
  assert_int_equal (t.coded.planes[0].dtype.code, ADZE_BFLOAT);
  OPEN ("sparse", "values = \"f16\"");
  t.values[3] = 1;
  t.values[4] = 65520;
  must_fail (encode (1, ROWS), ADZE_E_LIMIT, "value 2 of those that are not zero is 65520", "f16",
             "values = \"f32\"", NULL);
}

static void
indices_that_make_it_larger_are_not_taken (void **state)
{
  (void)state;
  OPEN ("sparse", "places = \"indices\"");
  shape_it (9);
  for (uint64_t at = 0; at < 14; at++)
    t.values[3 * at] = 1;
  must (encode (1, ROWS));
  t.values[42] = 1;
  must_fail (encode (1, ROWS), ADZE_E_UNSUPPORTED, "'t' has 15 values that are not zero", "180 bytes",
             NULL);
}

static void
damaged_places_are_not_believed (void **state)
{
  (void)state;
  OPEN ("sparse", NULL);
  shape_it (64);
  t.values[7] = t.values[100] = 1;
  must (encode (1, ROWS));
  t.planes[1][39] = 1;
  must_fail (decode (), ADZE_E_FORMAT, "'t' has 2 values, and its bits are of more", NULL);
  OPEN ("sparse", "places = \"indices\"");
  must (encode (1, ROWS));
  int64_t wrong[] = { 320, -1 };
  for (size_t i = 0; i < 2; i++) {
    memcpy (t.planes[1], &wrong[i], sizeof wrong[i]);
    must_fail (decode (), ADZE_E_FORMAT, "'t' has a value at", "320 numbers", NULL);
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (a_book_gives_all_numbers_back),
    cmocka_unit_test (codes_have_the_bits_that_are_asked_for),
    cmocka_unit_test (a_book_is_no_larger_than_it_must_be),
    cmocka_unit_test (a_book_lies_as_the_page_says),
    cmocka_unit_test (too_many_values_are_refused_with_their_number),
    cmocka_unit_test (a_damaged_book_is_not_believed),
    cmocka_unit_test (few_values_and_their_places_give_all_numbers_back),
    cmocka_unit_test (a_sparse_tensor_is_as_small_as_its_values),
    cmocka_unit_test (values_have_the_type_that_is_asked_for),
    cmocka_unit_test (indices_that_make_it_larger_are_not_taken),
    cmocka_unit_test (damaged_places_are_not_believed),
  };
  if (!files_are_loaded ())
    return 0;
  return cmocka_run_group_tests (tests, set_up, tear_down);
}
