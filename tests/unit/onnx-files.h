/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX files made of single fields, sound and unsound ones, and the world to open them in. */
#ifndef TESTS_UNIT_ONNX_FILES_H
#define TESTS_UNIT_ONNX_FILES_H

#include "world.h"

#include "artifact/format.h"
#include "base/buffer.h"
#include "base/toml.h"

/* What a field or a message is made of. Everything that makes one hands over a buffer that the
 * next maker takes in. */
typedef adze_buffer bytes;

static inline bytes
some (const void *data, size_t size)
{
  bytes made = { 0 };
  adze_buffer_add (&made, data, size);
  return made;
}

#define TEXT(literal) some (literal, sizeof (literal) - 1)

/* ONE and then OTHER. */
static inline bytes
both (bytes one, bytes other)
{
  adze_buffer_add (&one, other.data ? other.data : "", other.size);
  adze_buffer_cleanup (&other);
  return one;
}

#define PICK(a, b, c, d, e, f, g, h, name, ...) name
#define ALL2(a, b) both (a, b)
#define ALL3(a, ...) both (a, ALL2 (__VA_ARGS__))
#define ALL4(a, ...) both (a, ALL3 (__VA_ARGS__))
#define ALL5(a, ...) both (a, ALL4 (__VA_ARGS__))
#define ALL6(a, ...) both (a, ALL5 (__VA_ARGS__))
#define ALL7(a, ...) both (a, ALL6 (__VA_ARGS__))
#define ALL8(a, ...) both (a, ALL7 (__VA_ARGS__))
/* Two to eight, one behind the other. */
#define ALL(...) PICK (__VA_ARGS__, ALL8, ALL7, ALL6, ALL5, ALL4, ALL3, ALL2, ) (__VA_ARGS__)

static inline bytes
varint (uint64_t value, unsigned width)
{
  uint8_t made[16];
  unsigned size = 0;
  do
    made[size++] = (uint8_t)(value & 0x7f) | 0x80;
  while ((value >>= 7) || size < width);
  made[size - 1] &= 0x7f;
  return some (made, size);
}

static inline bytes
number (unsigned field, uint64_t value)
{
  return both (varint (field << 3, 0), varint (value, 0));
}

/* A length of WIDTH bytes, where fewer would do. */
static inline bytes
wide (unsigned field, unsigned width, bytes content)
{
  bytes head = both (varint (field << 3 | 2, 0), varint (content.size, width));
  return both (head, content);
}

static inline bytes
message (unsigned field, bytes content)
{
  return wide (field, 0, content);
}

#define STRING(field, literal) message (field, TEXT (literal))

/* ---- Models. */

enum { FLOAT = 1, UINT8, INT8, UINT16, INT16, INT32, INT64, STRINGS, BOOL, FLOAT16, DOUBLE, UINT32,
       UINT64, COMPLEX64, COMPLEX128, BFLOAT16, UINT4 = 21, INT4 = 22 };

/* An entry of external_data or metadata_props. */
static inline bytes
pair (unsigned field, const char *key, const char *value)
{
  return message (field, both (message (1, some (key, strlen (key))),
                               message (2, some (value, strlen (value)))));
}

/* Shape, type, name: what all tensors have. The shape is one dimension. */
static inline bytes
head (uint64_t dimension, uint64_t type, const char *name)
{
  return ALL (number (1, dimension), number (2, type), message (8, some (name, strlen (name))));
}

/* "abcd" is a float, too. */
static inline bytes
raw_floats (const char *name, const char *content)
{
  size_t size = strlen (content);
  return both (head (size / 4, FLOAT, name), message (9, some (content, size)));
}

/* A sparse initialiser of [2, 3] with two values, by the places that PLACES has, COUNT whole numbers for each. */
static inline bytes
sparse (const char *name, const char *content, const int64_t *places, uint64_t count)
{
  bytes indices = both (number (1, 2), count > 1 ? number (1, count) : some ("", 0));
  indices = ALL (indices, number (2, INT64), message (9, some (places, 16 * count)));
  return message (15, ALL (message (1, raw_floats (name, content)), message (2, indices), number (3, 2),
                           number (3, 3)));
}

static inline bytes
initializer (bytes tensor)
{
  return message (5, tensor);
}

static inline bytes
constant (const char *output, bytes tensor)
{
  bytes attribute = ALL (STRING (1, "value"), message (5, tensor), number (20, 4));
  return message (1, ALL (message (2, some (output, strlen (output))), STRING (4, "Constant"),
                          message (5, attribute)));
}

/* A node with a graph inside. */
static inline bytes
branch (bytes graph)
{
  return message (1, ALL (STRING (2, "out"), STRING (4, "If"),
                          message (5, both (STRING (1, "then_branch"), message (6, graph)))));
}

static inline bytes
model (bytes graph)
{
  return ALL (number (1, 8), STRING (2, "adze"), message (7, both (graph, STRING (2, "g"))),
              message (8, number (2, 17)));
}

/* A model of one initialiser. */
static inline bytes
model_of (bytes tensor)
{
  return model (initializer (tensor));
}

/* ---- Files. */

static inline int
make_onnx_world (void **state)
{
  if (make_world (state) != 0)
    return -1;
  reopen (*state, NULL);
  return 0;
}

#define WITH_ONNX(test) cmocka_unit_test_setup_teardown (test, make_onnx_world, end_world)

/* Writes CONTENT as NAME of the world's folder, and takes it over. */
static inline const char *
store (world *w, const char *name, bytes content)
{
  const char *path = in_world (w, name);
  assert_false (content.failed);
  must (adze_file_write (path, content.data ? content.data : "", content.size, 0666));
  adze_buffer_cleanup (&content);
  return path;
}

static inline adze_model *
open_model (world *w, const char *name)
{
  adze_model *opened = NULL;
  must (adze_model_open (w->runtime, in_world (w, name), NULL, &opened));
  return opened;
}

static inline adze_model *
open_bytes (world *w, bytes content)
{
  store (w, "in.onnx", content);
  return open_model (w, "in.onnx");
}

/* SETTINGS as TOML. */
static inline adze_error *
write_model (world *w, const adze_model *from, const char *name, const char *settings)
{
  ADZE_AUTO (adze_document) document = { 0 };
  must (adze_toml_parse ("settings", settings, strlen (settings), &document));
  adze_format_options options
      = { .format = "onnx", .document = &document, .settings = document.root };
  return adze_model_write (w->runtime, from, in_world (w, name), &options);
}

static inline void
assert_same_files (world *w, const char *one, const char *other)
{
  run_command ("cmp '%s' '%s'", in_world (w, one), in_world (w, other));
}

/* The tensor NAME holds these bytes. */
static inline void
assert_holds (const adze_model *in, const char *name, const void *expected, size_t size)
{
  char found[4096];
  const adze_model_tensor *tensor = adze_model_find (in, name);
  if (!tensor)
    fail_msg ("there is no tensor '%s'", name);
  assert_int_equal (tensor->meta.byte_size, size);
  assert_in_range (size, 0, sizeof found);
  must (adze_model_read (in, tensor, 0, found, size));
  assert_memory_equal (found, expected, size);
}

#define ASSERT_HOLDS(in, name, literal) assert_holds (in, name, literal, sizeof (literal) - 1)

#endif
