/* SPDX-License-Identifier: Apache-2.0 */
/* npy: one array. A mark, a version, the length of the description, the description, and then the
 * elements without gaps. */
#include "npy.h"

#include <inttypes.h>
#include <stdlib.h>

/* SIZE of the array's bytes from OFFSET on, which were checked to be there. */
static adze_status
read_bytes (const adze_host *host, const npy_bytes *bytes, uint64_t offset, void *into,
            size_t size)
{
  if (!bytes->data)
    return adze_file_read_at (host, bytes->file, bytes->offset + offset, into, size);
  memcpy (into, bytes->data + offset, size);
  return ADZE_OK;
}

/* ---- Opening. */

static adze_status
read_description (const adze_host *host, npy_array *array, size_t size)
{
  char *text = (char *)host->allocate (host, size + 1);
  if (!text)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the description in %s", array->where);
  adze_status status = read_bytes (host, &array->bytes, array->data - size, text, size);
  if (status == ADZE_OK)
    status = npy_header_read (host, array->where, text, size, &array->form);
  host->release (host, text);
  return status;
}

static adze_status
read_header (const adze_host *host, npy_array *array)
{
  static const unsigned char mark[] = { 0x93, 'N', 'U', 'M', 'P', 'Y' };
  unsigned char head[12] = { 0 };
  size_t there = array->bytes.size < sizeof head ? (size_t)array->bytes.size : sizeof head;
  adze_status status
      = there > 0 ? read_bytes (host, &array->bytes, 0, head, there) : ADZE_OK;
  if (status != ADZE_OK)
    return status;
  if (there < sizeof head || memcmp (head, mark, sizeof mark) != 0)
    return adze_fail (host, ADZE_E_FORMAT, "%s does not begin as an array of numpy does",
                      array->where);
  if (head[6] < 1 || head[6] > 3 || head[7] != 0)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "%s is of version %d.%d; 1.0, 2.0 and 3.0 can be read", array->where,
                      head[6], head[7]);
  uint64_t size = (uint64_t)head[8] | (uint64_t)head[9] << 8;
  array->data = head[6] == 1 ? 10 : 12;
  if (head[6] > 1)
    size |= (uint64_t)head[10] << 16 | (uint64_t)head[11] << 24;
  if (size > NPY_HEADER_MAX || size > array->bytes.size - array->data)
    return adze_fail (host, ADZE_E_FORMAT,
                      "%s says that its description has %" PRIu64 " bytes; there are %" PRIu64
                      " behind it, and at most %d are read",
                      array->where, size, array->bytes.size - array->data, NPY_HEADER_MAX);
  array->data += size;
  return read_description (host, array, (size_t)size);
}

static adze_status
check_size (const adze_host *host, npy_array *array)
{
  const npy_form *form = &array->form;
  uint64_t size = form->dtype.bits / 8;
  if (form->rank == 0)
    return adze_fail (host, ADZE_E_FORMAT,
                      "%s is a single number; needed is a dimension that counts the examples",
                      array->where);
  for (int32_t i = form->rank; i-- > 0;) {
    if (form->shape[i] == 0)
      return adze_fail (host, ADZE_E_FORMAT, "%s: dimension %" PRId32 " is 0", array->where, i);
    if (i == 0)
      array->example_size = (size_t)size;
    if (__builtin_mul_overflow (size, (uint64_t)form->shape[i], &size) || size > INT64_MAX)
      return adze_fail (host, ADZE_E_FORMAT,
                        "%s has dimensions whose product nothing can hold", array->where);
  }
  if (size == array->bytes.size - array->data)
    return ADZE_OK;
  return adze_fail (host, ADZE_E_FORMAT,
                    "%s has %" PRIu64 " bytes of elements, and its shape needs %" PRIu64,
                    array->where, array->bytes.size - array->data, size);
}

/* Columns one after the other become rows: in memory, since a single row lies all over them. */
static void
turn (const npy_form *form, size_t width, const unsigned char *from, unsigned char *to,
      uint64_t elements)
{
  int64_t index[ADZE_RANK_MAX] = { 0 }, strides[ADZE_RANK_MAX];
  int64_t stride = (int64_t)width;
  for (int32_t i = 0; i < form->rank; i++) {
    strides[i] = stride;
    stride *= form->shape[i];
  }
  int64_t offset = 0;
  for (uint64_t n = 0; n < elements; n++, to += width) {
    memcpy (to, from + offset, width);
    int32_t i = form->rank - 1;
    for (; i >= 0 && ++index[i] == form->shape[i]; i--) {
      offset -= strides[i] * (form->shape[i] - 1);
      index[i] = 0;
    }
    if (i >= 0)
      offset += strides[i];
  }
}

static adze_status
turn_array (const adze_host *host, npy_array *array)
{
  npy_bytes *bytes = &array->bytes;
  uint64_t size = bytes->size - array->data;
  size_t width = array->form.dtype.bits / 8;
  unsigned char *from = bytes->data ? bytes->data + array->data : malloc ((size_t)size);
  unsigned char *to = malloc ((size_t)size);
  adze_status status = ADZE_OK;
  if (!from || !to)
    status = adze_fail (host, ADZE_E_MEMORY,
                        "no room for the %" PRIu64 " bytes of %s, which is in Fortran's order",
                        size, array->where);
  if (status == ADZE_OK && !bytes->data)
    status = adze_file_read_at (host, bytes->file, bytes->offset + array->data, from,
                                (size_t)size);
  if (status == ADZE_OK)
    turn (&array->form, width, from, to, size / width);
  free (bytes->data ? bytes->data : from);
  bytes->data = status == ADZE_OK ? to : NULL;
  if (status != ADZE_OK)
    free (to);
  bytes->size = size;
  array->data = 0;
  return status;
}

adze_status
npy_array_open (const adze_host *host, npy_array *array)
{
  adze_status status = read_header (host, array);
  if (status == ADZE_OK)
    status = check_size (host, array);
  if (status == ADZE_OK && array->form.fortran && array->form.rank > 1)
    status = turn_array (host, array);
  return status;
}

/* ---- Reading. */

/* Of a complex number, both parts. */
static void
swap (unsigned char *bytes, size_t size, unsigned width)
{
  for (size_t i = 0; i < size; i += width)
    for (unsigned low = 0, high = width - 1; low < high; low++, high--) {
      unsigned char byte = bytes[i + low];
      bytes[i + low] = bytes[i + high];
      bytes[i + high] = byte;
    }
}

static adze_status
check_bools (const adze_host *host, const npy_array *array, const unsigned char *bytes,
             size_t size)
{
  for (size_t i = 0; i < size; i++)
    if (bytes[i] > 1)
      return adze_fail (host, ADZE_E_FORMAT, "%s has the byte %d among its bools", array->where,
                        bytes[i]);
  return ADZE_OK;
}

adze_status
npy_array_read (const adze_host *host, const npy_array *array, const uint64_t *examples,
                size_t count, unsigned char *room)
{
  adze_status status = ADZE_OK;
  unsigned char *into = room;
  for (size_t i = 0, run; status == ADZE_OK && i < count; i += run) {
    for (run = 1; i + run < count && examples[i + run] == examples[i] + run;)
      run++;
    status = read_bytes (host, &array->bytes, array->data + examples[i] * array->example_size,
                         into, run * array->example_size);
    into += run * array->example_size;
  }
  const adze_dtype *dtype = &array->form.dtype;
  size_t size = count * array->example_size;
  if (status == ADZE_OK && array->form.big_endian && dtype->bits > 8)
    swap (room, size, dtype->code == ADZE_COMPLEX ? dtype->bits / 16 : dtype->bits / 8);
  return status == ADZE_OK && dtype->code == ADZE_BOOL ? check_bools (host, array, room, size)
                                                       : status;
}

void
npy_array_release (const adze_host *host, npy_array *array)
{
  host->release (host, array->name);
  host->release (host, array->where);
  free (array->bytes.data);
}
