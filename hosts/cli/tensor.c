/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: a tensor from words on the command line, and a tensor as text. */
#include "cli/tensor.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

#define NUMBER_TEXT 40

/* ---- Types. */

static const struct {
  const char *name;
  adze_dtype dtype;
} dtypes[] = {
  { "f32", { ADZE_FLOAT, 32, 1 } }, { "f64", { ADZE_FLOAT, 64, 1 } },
  { "i8", { ADZE_INT, 8, 1 } },     { "i16", { ADZE_INT, 16, 1 } },
  { "i32", { ADZE_INT, 32, 1 } },   { "i64", { ADZE_INT, 64, 1 } },
  { "u8", { ADZE_UINT, 8, 1 } },    { "u16", { ADZE_UINT, 16, 1 } },
  { "u32", { ADZE_UINT, 32, 1 } },  { "u64", { ADZE_UINT, 64, 1 } },
  { "bool", { ADZE_BOOL, 8, 1 } },
};

const char *
adze_cli_dtype_name (adze_dtype dtype, char *text)
{
  for (size_t i = 0; i < ADZE_CLI_COUNT_OF (dtypes); i++)
    if (dtypes[i].dtype.code == dtype.code && dtypes[i].dtype.bits == dtype.bits
        && dtype.lanes == 1)
      return dtypes[i].name;
  snprintf (text, 32, "%u:%ux%u", dtype.code, dtype.bits, dtype.lanes);
  return text;
}

/* NAME is one of ADZE_CLI_DTYPES: the options were checked against it. */
static adze_dtype
find_dtype (const char *name)
{
  size_t i = 0;
  while (i + 1 < ADZE_CLI_COUNT_OF (dtypes) && strcmp (dtypes[i].name, name) != 0)
    i++;
  return dtypes[i].dtype;
}

/* ---- One element. memcpy, since nothing says that foreign memory is aligned. */

/* Too large for the type, or so small that nothing of it would be left? "inf" is neither. */
static bool
range_lost (double number)
{
  return errno == ERANGE && (isinf (number) || number == 0);
}

static bool
store_float (const char *text, unsigned bits, void *at)
{
  char *end;
  double wide = 0;
  float narrow = 0;
  errno = 0;
  if (bits == 32)
    narrow = strtof (text, &end);
  else
    wide = strtod (text, &end);
  if (range_lost (bits == 32 ? (double)narrow : wide))
    return false;
  memcpy (at, bits == 32 ? (const void *)&narrow : (const void *)&wide, bits / 8);
  return end != text && *end == '\0';
}

static bool
store_int (const char *text, unsigned bits, bool negative_too, void *at)
{
  char *end;
  errno = 0;
  int64_t signed_number = 0;
  uint64_t number;
  if (negative_too) {
    signed_number = strtoll (text, &end, 10);
    number = (uint64_t)signed_number;
  } else {
    number = strtoull (text, &end, 10);
  }
  if (end == text || *end != '\0' || errno != 0 || (!negative_too && strchr (text, '-')))
    return false;
  if (bits < 64 && negative_too
      && (signed_number < -(INT64_C (1) << (bits - 1))
          || signed_number >= INT64_C (1) << (bits - 1)))
    return false;
  if (bits < 64 && !negative_too && number >> bits != 0)
    return false;
  memcpy (at, &number, bits / 8); /* little-endian: the lower bytes come first */
  return true;
}

static bool
store (const char *text, adze_dtype dtype, void *at)
{
  if (dtype.code == ADZE_FLOAT)
    return store_float (text, dtype.bits, at);
  if (dtype.code != ADZE_BOOL)
    return store_int (text, dtype.bits, dtype.code == ADZE_INT, at);
  bool truth = strcmp (text, "true") == 0 || strcmp (text, "1") == 0;
  memcpy (at, &truth, 1);
  return truth || strcmp (text, "false") == 0 || strcmp (text, "0") == 0;
}

static void
format_float (double number, unsigned bits, char *text)
{
  int most = bits == 32 ? 9 : 17;
  for (int digits = bits == 32 ? 6 : 15; digits <= most; digits++) {
    snprintf (text, NUMBER_TEXT, "%.*g", digits, number);
    if ((bits == 32 ? (double)strtof (text, NULL) : strtod (text, NULL)) == number)
      return;
  }
  if (isnan (number)) /* glibc shows its sign, which means nothing */
    snprintf (text, NUMBER_TEXT, "nan");
}

/* What a type takes, for who gave it something else. */
static void
describe_range (adze_dtype dtype, char *text, size_t size)
{
  unsigned bits = dtype.bits;
  if (dtype.code == ADZE_BOOL)
    snprintf (text, size, "true, false, 1 and 0");
  else if (dtype.code == ADZE_FLOAT && bits == 32)
    snprintf (text, size, "0, numbers from %.8g to %.8g with either sign, inf and nan",
              (double)FLT_TRUE_MIN, (double)FLT_MAX);
  else if (dtype.code == ADZE_FLOAT)
    snprintf (text, size, "0, numbers from %.17g to %.17g with either sign, inf and nan",
              DBL_TRUE_MIN, DBL_MAX);
  else if (dtype.code == ADZE_INT)
    snprintf (text, size, "whole numbers from %lld to %lld", (long long)(INT64_MIN >> (64 - bits)),
              (long long)(INT64_MAX >> (64 - bits)));
  else
    snprintf (text, size, "whole numbers from 0 to %llu",
              (unsigned long long)(UINT64_MAX >> (64 - bits)));
}

/* COUNT bits (64 at most) from bit FIRST on. Elements are packed: one may begin within a byte,
 * whose lower bits come first. */
static uint64_t
read_bits (const unsigned char *data, size_t first, unsigned count)
{
  uint64_t number = 0;
  for (unsigned done = 0; done < count;) {
    unsigned skip = (unsigned)((first + done) % 8);
    unsigned taken = count - done < 8 - skip ? count - done : 8 - skip;
    uint64_t piece = (data[(first + done) / 8] >> skip) & ((1u << taken) - 1);
    number |= piece << done;
    done += taken;
  }
  return number;
}

static bool
is_whole_number (adze_dtype dtype)
{
  return (dtype.code == ADZE_INT || dtype.code == ADZE_UINT || dtype.code == ADZE_BOOL)
         && dtype.bits <= 64 && dtype.lanes == 1;
}

static void
format_whole (uint64_t number, adze_dtype dtype, char *text)
{
  if (dtype.code == ADZE_INT && dtype.bits < 64 && number >> (dtype.bits - 1))
    number |= ~UINT64_C (0) << dtype.bits;
  snprintf (text, NUMBER_TEXT, dtype.code == ADZE_INT ? "%lld" : "%llu",
            (unsigned long long)number);
}

/* In quotes when they are asked for and it is no number of JSON. */
static void
print_number (const char *text, bool quotes)
{
  quotes = quotes && text[strspn (text, "-0123456789.e+")] != '\0';
  fprintf (adze_cli_out, quotes ? "\"%s\"" : "%s", text);
}

/* An element without a number to say it by, whole, however many lanes it has. */
static void
print_hexadecimal (const unsigned char *data, size_t first, size_t bits, bool quotes)
{
  fputs (quotes ? "\"0x" : "0x", adze_cli_out);
  for (size_t at = (bits + 7) / 8; at-- > 0;) {
    size_t left = bits - 8 * at;
    fprintf (adze_cli_out, "%02x",
             (unsigned)read_bits (data, first + 8 * at, left < 8 ? (unsigned)left : 8));
  }
  fputs (quotes ? "\"" : "", adze_cli_out);
}

/* Of the packed memory of a tensor, which the runtime has seen to be as long as its elements. */
static void
print_element (const unsigned char *data, size_t index, adze_dtype dtype, bool quotes)
{
  char text[NUMBER_TEXT];
  size_t bits = (size_t)dtype.bits * dtype.lanes;
  if (dtype.code == ADZE_FLOAT && bits == 32 && dtype.lanes == 1) {
    float value;
    memcpy (&value, data + index * sizeof value, sizeof value);
    format_float ((double)value, 32, text);
  } else if (dtype.code == ADZE_FLOAT && bits == 64 && dtype.lanes == 1) {
    double value;
    memcpy (&value, data + index * sizeof value, sizeof value);
    format_float (value, 64, text);
  } else if (is_whole_number (dtype)) {
    format_whole (read_bits (data, index * bits, dtype.bits), dtype, text);
  } else {
    print_hexadecimal (data, index * bits, bits, quotes);
    return;
  }
  print_number (text, quotes);
}

/* ---- From words. */

static int
read_shape (const adze_cli *cli, const char *text, adze_cli_tensor *tensor, size_t *count)
{
  adze_view *view = &tensor->tensor.view;
  *count = 1;
  for (const char *at = text; at; at = strchr (at, 'x')) {
    uint64_t length;
    at += *at == 'x';
    ADZE_CLI_FREE char *word = strndup (at, strcspn (at, "x"));
    if (!word)
      return adze_cli_no_memory (cli);
    if (!adze_cli_number (word, 0, ADZE_CLI_ELEMENTS_MAX, &length)
        || view->rank == ADZE_CLI_RANK_MAX)
      return adze_cli_misuse (cli, "'%s' is no shape: numbers with x between them, 2x3, at most %d "
                              "of them", text, ADZE_CLI_RANK_MAX);
    tensor->shape[view->rank++] = (int64_t)length;
    if (length != 0 && *count > ADZE_CLI_ELEMENTS_MAX / length)
      return adze_cli_misuse (cli, "a tensor of shape %s is too large to be tried here: at most %u "
                              "elements", text, ADZE_CLI_ELEMENTS_MAX);
    *count *= length;
  }
  return ADZE_CLI_FINE;
}

static size_t
count_numbers (const char *data)
{
  size_t count = 1;
  for (; (data = strchr (data, ',')); data++)
    count++;
  return count;
}

/* Numbers that differ, and that fit every type. */
static void
fill_default (adze_cli_tensor *tensor, size_t count, size_t size)
{
  char word[24];
  bool truth = tensor->tensor.view.dtype.code == ADZE_BOOL;
  for (size_t i = 0; i < count; i++) {
    snprintf (word, sizeof word, "%zu", truth ? (i + 1) % 2 : 1 + i % 100);
    store (word, tensor->tensor.view.dtype, (char *)tensor->data + i * size);
  }
}

static int
refuse_number (const adze_cli *cli, const char *word, adze_dtype dtype)
{
  enum { SHOWN = 60 };
  char name[32], range[128];
  describe_range (dtype, range, sizeof range);
  return adze_cli_misuse (cli, "'%.*s%s' in --data is no number that %s can hold, which takes %s",
                          SHOWN, word, strlen (word) > SHOWN ? "..." : "",
                          adze_cli_dtype_name (dtype, name), range);
}

static int
fill_given (const adze_cli *cli, const char *data, adze_cli_tensor *tensor, size_t size)
{
  adze_dtype dtype = tensor->tensor.view.dtype;
  char *at = tensor->data;
  ADZE_CLI_FREE char *words = strdup (data);
  if (!words)
    return adze_cli_no_memory (cli);
  for (char *rest = words, *word; (word = strsep (&rest, ",")); at += size)
    if (!store (word, dtype, at))
      return refuse_number (cli, word, dtype);
  return ADZE_CLI_FINE;
}

static int
fill (const adze_cli *cli, const char *data, adze_cli_tensor *tensor, size_t count)
{
  size_t size = tensor->tensor.view.dtype.bits / 8;
  if (data && count_numbers (data) != count)
    return adze_cli_misuse (cli, "--data has %zu numbers, the shape needs %zu",
                            count_numbers (data), count);
  tensor->data = calloc (count > 0 ? count : 1, size);
  if (!tensor->data)
    return adze_cli_no_memory (cli);
  tensor->tensor.view.data = tensor->data;
  tensor->tensor.byte_size = count * size;
  if (data)
    return fill_given (cli, data, tensor, size);
  fill_default (tensor, count, size);
  return ADZE_CLI_FINE;
}

int
adze_cli_tensor_open (const adze_cli *cli, const char *dtype, const char *shape, const char *data,
                      adze_cli_tensor *tensor)
{
  *tensor = (adze_cli_tensor){ .tensor = { .struct_size = sizeof (adze_tensor), .name = "tried" } };
  adze_view *view = &tensor->tensor.view;
  size_t count = data ? count_numbers (data) : 4;
  view->device.type = ADZE_DEVICE_CPU;
  view->shape = tensor->shape;
  view->dtype = find_dtype (dtype ? dtype : "f32");
  int status = ADZE_CLI_FINE;
  if (shape)
    status = read_shape (cli, shape, tensor, &count);
  else
    tensor->shape[view->rank++] = (int64_t)count;
  return status == ADZE_CLI_FINE ? fill (cli, data, tensor, count) : status;
}

/* ---- To text. */

void
adze_cli_tensor_print (const adze_view *view)
{
  size_t count = adze_view_count (view);
  size_t row = view->rank > 0 ? (size_t)view->shape[view->rank - 1] : 1;
  const unsigned char *data = adze_view_data (view);
  for (size_t i = 0; i < count; i++) {
    print_element (data, i, view->dtype, false);
    putc ((i + 1) % row == 0 ? '\n' : ' ', adze_cli_out);
  }
}

void
adze_cli_tensor_print_json (const adze_view *view)
{
  char name[32];
  size_t count = adze_view_count (view);
  const unsigned char *data = adze_view_data (view);
  fprintf (adze_cli_out, "\"dtype\": \"%s\", \"shape\": [",
           adze_cli_dtype_name (view->dtype, name));
  for (int32_t i = 0; i < view->rank; i++)
    fprintf (adze_cli_out, "%s%lld", i > 0 ? ", " : "", (long long)view->shape[i]);
  fputs ("], \"data\": [", adze_cli_out);
  for (size_t i = 0; i < count; i++) {
    fputs (i > 0 ? ", " : "", adze_cli_out);
    print_element (data, i, view->dtype, true);
  }
  putc (']', adze_cli_out);
}
