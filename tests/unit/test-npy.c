/* SPDX-License-Identifier: Apache-2.0 */
/* The source npy: types, orders, archives, what is refused, and memory and disks that fail. */
#include "../../plugins/sources/npy/npy_array.c"
#include "../../plugins/sources/npy/npy_header.c"
#define bad bad_zip
#define unpack unpack_zip
#include "../../plugins/sources/npy/npy_zip.c"
#undef bad
#undef unpack
#include "../../plugins/sources/npy/npy.c"

#include "source-tests.h"

/* ---- Making files. */

typedef struct bytes {
  char data[4096];
  size_t size;
} bytes;

static void
add (bytes *into, const void *data, size_t size)
{
  assert_true (into->size + size <= sizeof into->data);
  memcpy (into->data + into->size, data, size);
  into->size += size;
}

static void
add_number (bytes *into, uint32_t number, size_t size)
{
  for (size_t i = 0; i < size; i++) {
    char byte = (char)(number >> 8 * i);
    add (into, &byte, 1);
  }
}

/* An array of VERSION with this description and these elements. */
static bytes
array_of (int version, const char *description, const void *elements, size_t size)
{
  bytes file = { .size = 0 };
  add (&file, "\x93NUMPY", 6);
  add_number (&file, (uint32_t)version, 2);
  add_number (&file, (uint32_t)strlen (description), version == 1 ? 2 : 4);
  add (&file, description, strlen (description));
  add (&file, elements, size);
  return file;
}

#define DESCRIBED(descr, order, shape) \
  "{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape ", }  \n"

/* One member of an archive, and what is wrong with it. */
typedef struct member {
  const char *name;
  const bytes *content;
  bool deflate;
  int crc_off, size_off, at_off;
  uint32_t flags, method;
} member;

static size_t
pack (const bytes *content, char *into, size_t room)
{
  z_stream stream = { 0 };
  assert_int_equal (deflateInit2 (&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = (Bytef *)content->data;
  stream.avail_in = (uInt)content->size;
  stream.next_out = (Bytef *)into;
  stream.avail_out = (uInt)room;
  assert_int_equal (deflate (&stream, Z_FINISH), Z_STREAM_END);
  size_t size = stream.total_out;
  deflateEnd (&stream);
  return size;
}

/* What both headers of a member have in common. */
static void
add_common (bytes *into, const member *m, size_t packed)
{
  uint32_t crc = (uint32_t)crc32 (0, (const Bytef *)m->content->data, (uInt)m->content->size);
  add_number (into, 20, 2);
  add_number (into, m->flags, 2);
  add_number (into, m->method ? m->method : m->deflate ? 8 : 0, 2);
  add_number (into, 0, 4);
  add_number (into, crc + (uint32_t)m->crc_off, 4);
  add_number (into, (uint32_t)packed, 4);
  add_number (into, (uint32_t)m->content->size + (uint32_t)m->size_off, 4);
  add_number (into, (uint32_t)strlen (m->name), 2);
  add_number (into, 0, 2);
}

static bytes
archive_of (const member *members, size_t count)
{
  static char room[4096];
  bytes file = { .size = 0 }, directory = { .size = 0 };
  for (size_t i = 0; i < count; i++) {
    const member *m = &members[i];
    size_t at = file.size;
    size_t size = m->deflate ? pack (m->content, room, sizeof room) : m->content->size;
    add (&file, "PK\3\4", 4);
    add_common (&file, m, size);
    add (&file, m->name, strlen (m->name));
    add (&file, m->deflate ? room : m->content->data, size);
    add (&directory, "PK\1\2\0\0", 6);
    add_common (&directory, m, size);
    add (&directory, "\0\0\0\0\0\0\0\0\0\0", 10);
    add_number (&directory, (uint32_t)at + (uint32_t)m->at_off, 4);
    add (&directory, m->name, strlen (m->name));
  }
  size_t at = file.size;
  add (&file, directory.data, directory.size);
  add (&file, "PK\5\6\0\0\0\0", 8);
  add_number (&file, (uint32_t)count, 2);
  add_number (&file, (uint32_t)count, 2);
  add_number (&file, (uint32_t)directory.size, 4);
  add_number (&file, (uint32_t)at, 4);
  add (&file, "\3\0rem", 5);
  return file;
}

/* ---- What is read. */

static void
orders_and_versions (void **state)
{
  (void)state;
  const uint64_t order[] = { 1, 0 };
  const int32_t rows[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
  const int32_t turned[] = { 7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6 };
  bytes file = array_of (1, DESCRIBED ("<i4", "False", "(2, 3, 2)"), rows, sizeof rows);
  must_open ("path", file.data, file.size, "column=x\0");
  column_is (0, "x", ADZE_INT, 32, 2);
  assert_int_equal (own.schema.columns[0].shape[0], 3);
  must_read (order, 2);
  assert_memory_equal (own.batch.rooms[0], turned, sizeof turned);
  /* Element [i][j][k] of Fortran's order is at i + 2 j + 6 k. */
  int32_t fortran[12];
  for (size_t i = 0; i < 2; i++)
    for (size_t j = 0; j < 3; j++)
      for (size_t k = 0; k < 2; k++)
        fortran[i + 2 * j + 6 * k] = (int32_t)__builtin_bswap32 ((uint32_t)rows[6 * i + 2 * j + k]);
  file = array_of (2, "{\"shape\":(2,3,2),'descr':'>i4','fortran_order':True}", fortran,
                   sizeof fortran);
  must_open ("path", file.data, file.size, NULL);
  must_read (order, 2);
  assert_memory_equal (own.batch.rooms[0], turned, sizeof turned);
  file = array_of (3, DESCRIBED ("|b1", "True", "(2,)"), "\0\1", 2);
  must_open ("path", file.data, file.size, NULL);
  column_is (0, "data", ADZE_BOOL, 8, 0);
  must_read (order, 2);
  assert_memory_equal (own.batch.rooms[0], "\1\0", 2);
}

static void
every_type_is_known (void **state)
{
  (void)state;
  static const struct {
    const char *name;
    unsigned code, bits;
  } types[] = { { "|b1", ADZE_BOOL, 8 },      { "|i1", ADZE_INT, 8 },     { "<i2", ADZE_INT, 16 },
                { "<i4", ADZE_INT, 32 },      { "<i8", ADZE_INT, 64 },    { "|u1", ADZE_UINT, 8 },
                { ">u2", ADZE_UINT, 16 },     { ">u4", ADZE_UINT, 32 },   { ">u8", ADZE_UINT, 64 },
                { "<f2", ADZE_FLOAT, 16 },    { "<f4", ADZE_FLOAT, 32 },  { ">f8", ADZE_FLOAT, 64 },
                { "<c8", ADZE_COMPLEX, 64 },  { ">c16", ADZE_COMPLEX, 128 } };
  static const unsigned char elements[16]
      = { 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 1, 1, 1, 0 };
  const uint64_t first[] = { 0 };
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    char description[128];
    unsigned size = types[i].bits / 8;
    unsigned width = types[i].code == ADZE_COMPLEX ? size / 2 : size;
    snprintf (description, sizeof description,
              "{'descr': '%s', 'fortran_order': False, 'shape': (1,), }", types[i].name);
    bytes file = array_of (1, description, elements, size);
    must_open ("path", file.data, file.size, NULL);
    column_is (0, "data", types[i].code, types[i].bits, 0);
    must_read (first, 1);
    const unsigned char *read = own.batch.rooms[0];
    for (unsigned k = 0; k < size; k++)
      assert_int_equal (read[k], types[i].name[0] == '>'
                                     ? elements[k / width * width + width - 1 - k % width]
                                     : elements[k]);
  }
}

static void
archives_give_columns (void **state)
{
  (void)state;
  const uint64_t order[] = { 1, 0 };
  const double x[] = { 1, 2, 3, 4 };
  bytes xs = array_of (1, DESCRIBED ("<f8", "True", "(2, 2)"), x, sizeof x);
  bytes ys = array_of (1, DESCRIBED ("|u1", "False", "(2,)"), "\7\10", 2);
  bytes note = { .data = "hello", .size = 5 };
  const member members[] = { { .name = "x.npy", .content = &xs, .deflate = true },
                             { .name = "note.txt", .content = &note },
                             { .name = "y.npy", .content = &ys } };
  bytes file = archive_of (members, 3);
  must_open ("path", file.data, file.size, NULL);
  assert_int_equal (own.schema.count, 2);
  column_is (0, "x", ADZE_FLOAT, 64, 1);
  column_is (1, "y", ADZE_UINT, 8, 0);
  must_read (order, 2);
  assert_true (f64_at (0, 0) == 2 && f64_at (0, 1) == 4 && f64_at (0, 2) == 1);
  assert_memory_equal (own.batch.rooms[1], "\10\7", 2);
  must_open ("path", file.data, file.size, "members=[\"y\"]\0");
  assert_int_equal (own.schema.count, 1);
}

/* ---- What is refused. */

static void
arrays_that_are_none_are_refused (void **state)
{
  (void)state;
  static const struct {
    int version;
    const char *description;
    size_t size;
    const char *words;
  } cases[] = {
    { 1, "  ", 1, "byte 2 of the array's description: needed is '{'" },
    { 1, DESCRIBED ("<f4", "False", "(2,)"), 7, "has 7 bytes of elements, and its shape needs 8" },
    { 1, DESCRIBED ("<f4", "False", "(2,)"), 9, "has 9 bytes of elements" },
    { 1, DESCRIBED ("<f4", "False", "()"), 4, "is a single number" },
    { 1, DESCRIBED ("<f4", "False", "(0,)"), 0, "dimension 0 is 0" },
    { 1, DESCRIBED ("<f4", "False", "(2, 0)"), 0, "dimension 1 is 0" },
    { 1, DESCRIBED ("<f4", "False", "(1)"), 4, "tuple" },
    { 1, DESCRIBED ("<f4", "False", "(-1,)"), 4, "needed is a dimension" },
    { 1, DESCRIBED ("<f4", "False", "(1, 1"), 4, "needed is" },
    { 1, DESCRIBED ("<f4", "False", "(9223372036854775808,)"), 4, "64 bits do not hold" },
    { 1, DESCRIBED ("<f4", "False", "(4294967296, 4294967296)"), 4, "product nothing can hold" },
    { 1, DESCRIBED ("<f4", "False", "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
                                    "1,1,1)"), 4, "more than 32 dimensions" },
    { 1, DESCRIBED ("<f4", "no", "(1,)"), 4, "needed is True or False" },
    { 1, DESCRIBED ("<f3", "False", "(1,)"), 3, "the type '<f3'" },
    { 1, DESCRIBED ("=f4", "False", "(1,)"), 4, "the type '=f4'" },
    { 1, DESCRIBED ("|f4", "False", "(1,)"), 4, "the type '|f4'" },
    { 1, DESCRIBED ("|O", "False", "(1,)"), 4, "the type '|O'" },
    { 1, DESCRIBED ("<U8", "False", "(1,)"), 32, "the type '<U8'" },
    { 1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4, "type record" },
    { 1, "{'descr': '<f4', 'fortran_order': False, }", 4, "the key 'shape' is missing" },
    { 1, "{'descr': '<f4', 'descr': '<f4'}", 4, "the key 'descr' for the second time" },
    { 1, "{'descr': '<f4', 'order': 1}", 4, "the unknown key 'order'" },
    { 1, "{'descr': '<f4' 'shape': (1,)}", 4, "needed is a comma or '}'" },
    { 1, "{'descr' '<f4'}", 4, "needed is a colon" },
    { 1, "{'descr", 4, "needed is a text in quotes" },
    { 1, "{'d\\x65scr': '<f4'}", 4, "without backslashes" },
    { 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } or 1", 4,
      "something behind the description" },
    { 4, DESCRIBED ("<f4", "False", "(1,)"), 4, "is of version 4.0" },
    { 257, DESCRIBED ("<f4", "False", "(1,)"), 4, "is of version 1.1" },
  };
  static const char zeros[64];
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    bytes file = array_of (cases[i].version, cases[i].description, zeros, cases[i].size);
    const refused one = { file.data, file.size, NULL, cases[i].words };
    must_refuse ("path", &one, i);
  }
  static const refused others[] = {
    { "", 0, NULL, "path ends early" },
    { "\x93NUMPY\1", 7, NULL, "does not begin as an array of numpy does" },
    { "\x93NUMPX\1\0\0\0\0\0", 12, NULL, "does not begin as an array of numpy does" },
    { "\x93NUMPY\1\0\xff\xff{}", 12, NULL, "its description has 65535 bytes; there are 2" },
    { "\x93NUMPY\2\0\xff\xff\xff\xff{}", 14, NULL, "4294967295 bytes|at most 65536" },
    { "\x93NUMPY\1\0\2\0{}", 12, "members=[\"x\"]\0", "is no archive" },
  };
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    must_refuse ("path", &others[i], 100 + i);
}

static void
bools_are_zeros_and_ones (void **state)
{
  (void)state;
  const uint64_t both[] = { 0, 1 };
  bytes file = array_of (1, DESCRIBED ("|b1", "False", "(2,)"), "\1\2", 2);
  must_open ("path", file.data, file.size, NULL);
  assert_int_equal (own_read (both, 2), ADZE_E_FORMAT);
  must_say ("the byte 2 among its bools", 0);
}

static void
archives_that_are_damaged_are_refused (void **state)
{
  (void)state;
  bytes ys = array_of (1, DESCRIBED ("|u1", "False", "(2,)"), "\7\10", 2);
  bytes zs = array_of (1, DESCRIBED ("|u1", "False", "(3,)"), "\7\10\11", 3);
  const struct {
    member members[2];
    const char *settings, *words;
  } cases[] = {
    { { { .name = "x.npy", .content = &ys, .crc_off = 1 } }, NULL, "member 'x.npy'|checksum" },
    { { { .name = "x.npy", .content = &ys, .deflate = true, .crc_off = 1 } }, NULL, "checksum" },
    { { { .name = "x.npy", .content = &ys, .deflate = true, .size_off = 1 } }, NULL,
      "another length than announced" },
    { { { .name = "x.npy", .content = &ys, .deflate = true, .size_off = -1 } }, NULL,
      "another length than announced" },
    { { { .name = "x.npy", .content = &ys, .deflate = true, .size_off = 1 << 30 } }, NULL,
      "cannot be as long" },
    { { { .name = "x.npy", .content = &ys, .size_off = 1 } }, NULL, "two lengths" },
    { { { .name = "x.npy", .content = &ys, .at_off = 1 } }, NULL, "does not lie in the archive" },
    { { { .name = "x.npy", .content = &ys, .at_off = -1 } }, NULL, "zip64" },
    { { { .name = "x.npy", .content = &ys }, { .name = "y.npy", .content = &ys, .at_off = -1 } },
      NULL, "lie over each other" },
    { { { .name = "x.npy", .content = &ys, .flags = 1 } }, NULL, "encrypted" },
    { { { .name = "x.npy", .content = &ys, .method = 12 } }, NULL, "something else than deflate" },
    { { { .name = "", .content = &ys } }, NULL, "no name" },
    { { { .name = "x.txt", .content = &ys } }, NULL, "an archive without arrays" },
    { { { .name = ".npy", .content = &ys } }, NULL, "an archive without arrays" },
    { { { .name = "x.npy", .content = &ys }, { .name = "y.npy", .content = &zs } }, NULL,
      "the array 'y' has 3 examples|'x' has 2|members" },
    { { { .name = "x.npy", .content = &ys }, { .name = "y.npy", .content = &zs } },
      "members=[\"z\"]\0", "has no array 'z'; it has 'x', 'y'" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    bytes file = archive_of (cases[i].members, cases[i].members[1].content ? 2 : 1);
    const refused one = { file.data, file.size, cases[i].settings, cases[i].words };
    must_refuse ("path", &one, i);
  }
}

/* A byte of the table of contents or of its end record changed: BACK from the end of the file. */
static void
must_refuse_changed (size_t back, char byte, size_t cut, const char *words)
{
  bytes ys = array_of (1, DESCRIBED ("|u1", "False", "(2,)"), "\7\10", 2);
  const member one = { .name = "x.npy", .content = &ys };
  bytes file = archive_of (&one, 1);
  file.data[file.size - back] = byte;
  const refused changed = { file.data, file.size - cut, NULL, words };
  must_refuse ("path", &changed, back);
}

static void
tables_of_contents_that_are_damaged_are_refused (void **state)
{
  (void)state;
  /* The end record has 22 bytes and a comment of 3 here, the one entry 51 before it. */
  must_refuse_changed (3, 'r', 1, "no table of contents");
  must_refuse_changed (25, 'Q', 0, "no table of contents");
  must_refuse_changed (21, 1, 0, "one of several parts");
  must_refuse_changed (17, 2, 0, "one of several parts");
  must_refuse_changed (13, 0, 0, "not where its last record says");
  must_refuse_changed (9, 0, 0, "not where its last record says");
  must_refuse_changed (76, 'Q', 0, "ends too early");
  must_refuse_changed (48, 9, 0, "ends too early");
  must_refuse_changed (48, 4, 0, "goes on behind its end");
  must_refuse_changed (66, 8, 0, "does not agree");
  const refused little = { "PK\5\6", 4, NULL, "too short" };
  must_refuse ("path", &little, 0);
}

static void
memory_and_disk_may_fail (void **state)
{
  (void)state;
  const double x[] = { 1, 2, 3, 4 };
  bytes xs = array_of (1, DESCRIBED ("<f8", "True", "(2, 2)"), x, sizeof x);
  bytes ys = array_of (1, DESCRIBED ("|u1", "False", "(2,)"), "\7\10", 2);
  const member members[] = { { .name = "x.npy", .content = &xs, .deflate = true },
                             { .name = "y.npy", .content = &ys } };
  bytes file = archive_of (members, 2);
  set_file ("path", file.data, file.size);
  own_try_failures (NULL);
  own_try_failures ("members=[\"y\"]\0");
  set_file ("path", xs.data, xs.size);
  own_try_failures (NULL);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (orders_and_versions),
    cmocka_unit_test (every_type_is_known),
    cmocka_unit_test (archives_give_columns),
    cmocka_unit_test (arrays_that_are_none_are_refused),
    cmocka_unit_test (bools_are_zeros_and_ones),
    cmocka_unit_test (archives_that_are_damaged_are_refused),
    cmocka_unit_test (tables_of_contents_that_are_damaged_are_refused),
    cmocka_unit_test (memory_and_disk_may_fail),
  };
  int failed = cmocka_run_group_tests (tests, NULL, NULL);
  own_end ();
  return failed;
}
