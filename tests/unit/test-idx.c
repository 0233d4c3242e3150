/* SPDX-License-Identifier: Apache-2.0 */
/* The source idx: every type, packed and plain, what is refused, and memory and disks that fail. */
#include "../../plugins/sources/idx/idx_array.c"
#include "../../plugins/sources/idx/idx.c"
#include "../../plugins/sources/idx/idx_bits.c"

#include "source-tests.h"

/* Three examples of 2 x 1 bytes, and three labels of 16 bits. */
static const char images[] = "\0\0\x08\x03\0\0\0\3\0\0\0\2\0\0\0\1\1\2\3\4\5\6";
static const char labels[] = "\0\0\x0b\x01\0\0\0\3\x01\x02\xff\xfe\0\7";

/* SIZE bytes packed as gzip does it. */
static char *
packed (const char *bytes, size_t size, size_t *length)
{
  z_stream stream = { 0 };
  assert_int_equal (deflateInit2 (&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  uLong most = deflateBound (&stream, size);
  char *into = checked (malloc (most));
  stream.next_in = (Bytef *)bytes;
  stream.avail_in = (uInt)size;
  stream.next_out = (Bytef *)into;
  stream.avail_out = (uInt)most;
  assert_int_equal (deflate (&stream, Z_FINISH), Z_STREAM_END);
  *length = stream.total_out;
  deflateEnd (&stream);
  return into;
}

static void
check_both (void)
{
  const uint64_t order[] = { 2, 0, 1 };
  if (own_open ("labels=labels\0") != ADZE_OK)
    fail_msg ("should have been opened: %s", own.reason);
  assert_int_equal (own.schema.examples, 3);
  column_is (0, "image", ADZE_UINT, 8, 2);
  assert_int_equal (own.schema.columns[0].shape[0], 2);
  assert_int_equal (own.schema.columns[0].shape[1], 1);
  column_is (1, "label", ADZE_INT, 16, 0);
  must_read (order, 3);
  assert_memory_equal (own.batch.rooms[0], "\5\6\1\2\3\4", 6);
  const int16_t *label = own.batch.rooms[1];
  assert_true (label[0] == 7 && label[1] == 0x102 && label[2] == -2);
}

static void
files_are_read_plain_and_packed (void **state)
{
  (void)state;
  size_t image_size, label_size;
  char *image = packed (images, sizeof images - 1, &image_size);
  char *label = packed (labels, sizeof labels - 1, &label_size);
  set_file ("images", images, sizeof images - 1);
  own_file ("labels", labels, sizeof labels - 1);
  check_both ();
  set_file ("images", image, image_size);
  own_file ("labels", label, label_size);
  check_both ();
  own_end ();
  free (image);
  free (label);
}

/* Byte number AT of example NUMBER: no zeros, all zeros, single ones, runs of every length, runs that
 * are longer than a word of bits, bytes at the ends alone. */
static char
pattern (size_t number, size_t at, size_t size)
{
  char byte = (char)(1 + (at * 31 + number) % 255);
  switch (number % 6) {
  case 0: return byte;
  case 1: return 0;
  case 2: return at % 2 ? byte : 0;
  case 3: return at % (2 + number) < number / 2 ? byte : 0;
  case 4: return at % 1200 < 700 ? 0 : byte;
  default: return at == 0 || at == size - 1 ? byte : 0;
  }
}

static void
zeros_come_back (void **state)
{
  (void)state;
  static const size_t sizes[] = { 63, 64, 255, 256, 257, 784, 2000, 70000 };
  enum { COUNT = 60 };
  for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
    size_t size = sizes[s], length;
    char *file = checked (calloc (12 + COUNT * size, 1));
    char head[] = "\0\0\x08\x02\0\0\0\x3c\0\0\0";
    memcpy (file, head, 12);
    for (int i = 0; i < 4; i++)
      file[8 + i] = (char)(size >> (24 - 8 * i));
    for (size_t i = 0; i < COUNT * size; i++)
      file[12 + i] = pattern (i / size, i % size, size);
    char *small = packed (file, 12 + COUNT * size, &length);
    must_open ("images", small, length, NULL);
    for (uint64_t i = 0; i < COUNT; i++) {
      const uint64_t three[] = { (i * 7) % COUNT, COUNT - 1 - i, i };
      must_read (three, 3);
      for (size_t k = 0; k < 3; k++)
        assert_memory_equal ((char *)own.batch.rooms[0] + k * size, file + 12 + three[k] * size,
                             size);
    }
    own_end ();
    free (small);
    free (file);
  }
}

/* With vectors, where the processor of this test has them, and without, and with rows of any length. */
static void
vectors_and_none_are_one (void **state)
{
  (void)state;
  enum { SIZE = 790 };
  unsigned char example[SIZE], one[SIZE + SLACK], other[SIZE + SLACK], back[SIZE];
  for (unsigned number = 0; number < 6 * (WORD + 1); number++) {
    idx_store without = { .example_size = SIZE, .row = number / 6, .words = &plain };
    idx_store with = { .example_size = SIZE, .row = number / 6, .words = choose_words () };
    for (size_t i = 0; i < SIZE; i++)
      example[i] = (unsigned char)pattern (number, i, SIZE);
    size_t length = shrink (&without, example, one);
    assert_int_equal (shrink (&with, example, other), length);
    if (length == 0)
      continue;
    assert_memory_equal (one, other, length);
    grow (&without, other, back);
    assert_memory_equal (back, example, SIZE);
    grow (&with, one, back);
    assert_memory_equal (back, example, SIZE);
  }
}

/* As `cat a.gz b.gz` has them: one behind the other they are one. */
static void
packed_files_may_be_joined (void **state)
{
  (void)state;
  const uint64_t order[] = { 0, 1, 2 };
  size_t first, second;
  char *head = packed (images, 17, &first), *rest = packed (images + 17, sizeof images - 1 - 17, &second);
  head = checked (realloc (head, first + second));
  memcpy (head + first, rest, second);
  must_open ("images", head, first + second, NULL);
  must_read (order, 3);
  assert_memory_equal (own.batch.rooms[0], "\1\2\3\4\5\6", 6);
  own_end ();
  free (head);
  free (rest);
}

static void
every_type_is_known (void **state)
{
  (void)state;
  static const struct {
    char type;
    unsigned code, bits;
    const char *bytes;
    const char *swapped;
  } types[] = {
    { 0x08, ADZE_UINT, 8, "\1", "\1" },
    { 0x09, ADZE_INT, 8, "\xff", "\xff" },
    { 0x0b, ADZE_INT, 16, "\1\2", "\2\1" },
    { 0x0c, ADZE_INT, 32, "\1\2\3\4", "\4\3\2\1" },
    { 0x0d, ADZE_FLOAT, 32, "\x3f\x80\0\0", "\0\0\x80\x3f" },
    { 0x0e, ADZE_FLOAT, 64, "\x3f\xf0\0\0\0\0\0\0", "\0\0\0\0\0\0\xf0\x3f" },
  };
  const uint64_t first[] = { 0 };
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    char file[16] = { 0, 0, types[i].type, 1, 0, 0, 0, 1 };
    memcpy (file + 8, types[i].bytes, types[i].bits / 8);
    must_open ("images", file, 8 + types[i].bits / 8, NULL);
    column_is (0, "image", types[i].code, types[i].bits, 0);
    must_read (first, 1);
    assert_memory_equal (own.batch.rooms[0], types[i].swapped, types[i].bits / 8);
  }
}

static void
what_is_no_such_file_is_refused (void **state)
{
  (void)state;
  static const refused cases[] = {
    { "", 0, NULL, "images ends early" },
    { "\0", 1, NULL, "images ends early" },
    { "\0\0\x08", 3, NULL, "images ends early" },
    { "\0\0\x08\x03\0\0", 6, NULL, "images ends early" },
    { "\x89PNG", 4, NULL, "images is no IDX file|0x89504e47" },
    { "\0\0\x0a\x01\0\0\0\1\0", 9, NULL, "the element type 0x0a|0x0d (f32)" },
    { "\0\0\x08\x00\1", 5, NULL, "has 0 dimensions" },
    { "\0\0\x08\x21\1", 5, NULL, "has 33 dimensions" },
    { "\0\0\x08\x01\0\0\0\0", 8, NULL, "dimension 0 is 0" },
    { "\0\0\x08\x02\0\0\0\1\0\0\0\0", 12, NULL, "dimension 1 is 0" },
    { "\0\0\x08\x01\0\0\0\2\1", 9, NULL, "has 1 bytes behind its header|need 2" },
    { "\0\0\x08\x01\0\0\0\2\1\2\3", 11, NULL, "has 3 bytes behind its header|need 2" },
    { "\0\0\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16, NULL,
      "product nothing can hold" },
    { "\0\0\x0e\x02\xff\xff\xff\xff\xff\xff\xff\xff", 12, NULL, "product nothing can hold" },
    { "\x1f\x8b", 2, NULL, "ends in the middle of its packed data" },
    { "\x1f\x8b\x08\0\0\0\0\0\0\0\xff\xff\xff", 13, NULL, "cannot be unpacked" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    must_refuse ("images", &cases[i], i);
}

/* What was packed, less its last CUT bytes, with MORE behind it, byte AT changed. */
static void
must_refuse_packed (const char *bytes, size_t size, size_t cut, size_t more, size_t at,
                    const char *words)
{
  size_t length;
  char *file = packed (bytes, size, &length);
  file = checked (realloc (file, length + more));
  memset (file + length, 0, more);
  if (at > 0)
    file[at] ^= 0x55;
  const refused one = { file, length - cut + more, NULL, words };
  must_refuse ("images", &one, 100);
  free (file);
}

static void
what_is_packed_is_bounded (void **state)
{
  (void)state;
  size_t length;
  must_refuse_packed (images, sizeof images - 2, 0, 0, 0, "less packed data than its dimensions");
  must_refuse_packed (images, sizeof images, 0, 0, 0, "more packed data than its dimensions");
  must_refuse_packed (images, sizeof images - 1, 4, 0, 0, "ends in the middle");
  must_refuse_packed (images, sizeof images - 1, 0, 1, 0, "goes on behind the end");
  must_refuse_packed ("", 0, 0, 0, 0, "less packed data");
  char *file = packed (images, sizeof images - 1, &length);
  must_refuse_packed (images, sizeof images - 1, 0, 0, length - 8, "incorrect data check");
  must_refuse_packed (images, sizeof images - 1, 0, 0, length - 2, "incorrect length check");
  free (file);
  /* Four thousand million examples of which not one is there: no room is made for them. */
  must_refuse_packed ("\0\0\x08\x01\xff\xff\xff\xff", 8, 0, 0, 0, "cannot have been packed into");
  /* Zeros without end behind what the dimensions say: only one of them is unpacked. */
  char *bomb = checked (calloc (1, 10000000));
  memcpy (bomb, "\0\0\x08\x01\0\0\0\1\1", 9);
  must_refuse_packed (bomb, 10000000, 0, 0, 0, "more packed data than its dimensions");
  free (bomb);
}

static void
counts_must_agree (void **state)
{
  (void)state;
  set_file ("images", images, sizeof images - 1);
  own_file ("labels", "\0\0\x08\x01\0\0\0\2\1\2", 10);
  assert_int_equal (own_open ("labels=labels\0"), ADZE_E_FORMAT);
  must_say ("images has 3 examples and labels has 2", 0);
}

static void
memory_and_disk_may_fail (void **state)
{
  (void)state;
  size_t length;
  char *file = packed (images, sizeof images - 1, &length);
  set_file ("images", file, length);
  own_file ("labels", labels, sizeof labels - 1);
  own_try_failures ("labels=labels\0");
  free (file);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (files_are_read_plain_and_packed),
    cmocka_unit_test (zeros_come_back),
    cmocka_unit_test (vectors_and_none_are_one),
    cmocka_unit_test (packed_files_may_be_joined),
    cmocka_unit_test (every_type_is_known),
    cmocka_unit_test (what_is_no_such_file_is_refused),
    cmocka_unit_test (what_is_packed_is_bounded),
    cmocka_unit_test (counts_must_agree),
    cmocka_unit_test (memory_and_disk_may_fail),
  };
  int failed = cmocka_run_group_tests (tests, NULL, NULL);
  own_end ();
  return failed;
}
