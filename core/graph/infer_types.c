/* SPDX-License-Identifier: Apache-2.0 */
/* graph/infer_types.c: what a row of the table says of element types and attributes, held against a
 * node. */
#include <string.h>

#include "artifact/meta.h"
#include "graph/infer.h"

/* ---- Element types. */

/* With the number that ONNX has for each. Text, its 8, is not among them. */
static const struct {
  uint16_t set;
  uint8_t onnx;
  adze_dtype dtype;
} elements[] = {
  { ADZE_T_FLOAT, 1, { ADZE_FLOAT, 32, 1 } },
  { ADZE_T_UINT8, 2, { ADZE_UINT, 8, 1 } },
  { ADZE_T_INT8, 3, { ADZE_INT, 8, 1 } },
  { ADZE_T_UINT16, 4, { ADZE_UINT, 16, 1 } },
  { ADZE_T_INT16, 5, { ADZE_INT, 16, 1 } },
  { ADZE_T_INT32, 6, { ADZE_INT, 32, 1 } },
  { ADZE_T_INT64, 7, { ADZE_INT, 64, 1 } },
  { ADZE_T_BOOL, 9, { ADZE_BOOL, 8, 1 } },
  { ADZE_T_HALF, 10, { ADZE_FLOAT, 16, 1 } },
  { ADZE_T_DOUBLE, 11, { ADZE_FLOAT, 64, 1 } },
  { ADZE_T_UINT32, 12, { ADZE_UINT, 32, 1 } },
  { ADZE_T_UINT64, 13, { ADZE_UINT, 64, 1 } },
  { ADZE_T_COMPLEX64, 14, { ADZE_COMPLEX, 64, 1 } },
  { ADZE_T_COMPLEX128, 15, { ADZE_COMPLEX, 128, 1 } },
  { ADZE_T_BFLOAT, 16, { ADZE_BFLOAT, 16, 1 } },
};

uint16_t
adze_infer_set_of (adze_dtype dtype)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (elements); i++)
    if (elements[i].dtype.code == dtype.code && elements[i].dtype.bits == dtype.bits
        && elements[i].dtype.lanes == dtype.lanes)
      return elements[i].set;
  return 0;
}

int64_t
adze_infer_onnx_of (adze_dtype dtype)
{
  uint16_t set = adze_infer_set_of (dtype);
  for (size_t i = 0; i < ADZE_COUNT_OF (elements); i++)
    if (elements[i].set == set)
      return elements[i].onnx;
  return 0;
}

static void
show_set (uint16_t set, adze_buffer *into)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (elements); i++)
    if (set & elements[i].set)
      adze_buffer_format (into, "%s%s", into->size ? ", " : "",
                          adze_dtype_name (elements[i].dtype));
}

adze_error *
adze_infer_type_named (const adze_infer *infer, const char *name, uint16_t set, adze_dtype *into)
{
  const adze_graph_attribute *found = adze_node_attribute (infer->node, name);
  if (!found)
    return NULL;
  for (size_t i = 0; i < ADZE_COUNT_OF (elements); i++)
    if (elements[i].onnx == found->ints[0] && (elements[i].set & set)) {
      *into = elements[i].dtype;
      return NULL;
    }
  ADZE_AUTO (adze_buffer) needed = { 0 };
  show_set (set, &needed);
  return adze_infer_refuse (infer, "attribute '%s' is %lld, which is none of the types that the "
                            "operator gives: %s", name, (long long)found->ints[0],
                            needed.data ? needed.data : "?");
}

/* What the letters of a row have come to stand for. */
typedef struct letters {
  adze_dtype dtype[ADZE_OPERATOR_SETS]; /* bits 0: nothing yet */
  size_t from[ADZE_OPERATOR_SETS];      /* the input that said so */
} letters;

int
adze_infer_letter (const char *row, size_t index)
{
  size_t count = strlen (row);
  if (count == 0)
    return -1;
  char letter = row[index < count ? index : count - 1];
  return letter == '.' ? -1 : letter - 'a';
}

static adze_error *
check_type (const adze_infer *infer, const adze_operator *operator, size_t index, letters *known)
{
  const adze_infer_value *in = adze_infer_in (infer, index);
  int letter = adze_infer_letter (operator->inputs, index);
  if (!in || !in->dtype.bits || letter < 0)
    return NULL;
  if (!(adze_infer_set_of (in->dtype) & operator->sets[letter])) {
    ADZE_AUTO (adze_buffer) needed = { 0 };
    show_set (operator->sets[letter], &needed);
    return adze_infer_refuse (infer, "input %zu is %s; the operator takes %s there", index,
                              adze_dtype_name (in->dtype), needed.data ? needed.data : "?");
  }
  if (!known->dtype[letter].bits) {
    known->dtype[letter] = in->dtype;
    known->from[letter] = index;
  }
  if (memcmp (&known->dtype[letter], &in->dtype, sizeof in->dtype) == 0)
    return NULL;
  return adze_infer_refuse (infer, "input %zu is %s, and input %zu is %s; they must be of the same "
                            "type", known->from[letter], adze_dtype_name (known->dtype[letter]),
                            index, adze_dtype_name (in->dtype));
}

adze_error *
adze_infer_check_types (adze_infer *infer, const adze_operator *operator)
{
  letters known = { 0 };
  for (size_t i = 0; i < infer->input_count - infer->node->captured_count; i++)
    ADZE_TRY (check_type (infer, operator, i, &known));
  /* A set of one type says it by itself. */
  for (int letter = 0; letter < ADZE_OPERATOR_SETS; letter++)
    for (size_t i = 0; i < ADZE_COUNT_OF (elements); i++)
      if (operator->sets[letter] == elements[i].set)
        known.dtype[letter] = elements[i].dtype;
  for (size_t i = 0; i < infer->output_count; i++) {
    int letter = adze_infer_letter (operator->outputs, i);
    if (letter >= 0)
      adze_infer_type (infer, i, known.dtype[letter]);
  }
  return NULL;
}

/* ---- Attributes. */

static const char kinds[] = "?ifstgIFS";
static const char *const kind_names[]
    = { "?",       "a whole number", "a float",          "a text",         "a tensor",
        "a graph", "a list of whole numbers", "a list of floats", "a list of texts" };

/* Finds NAME in a row's attributes: its kind, or 0. */
static char
kind_of (const char *attributes, const char *name)
{
  size_t size = strlen (name);
  for (const char *at = attributes; *at;) {
    size_t length = strcspn (at, " ");
    if (length > size + 1 && memcmp (at, name, size) == 0 && at[size] == ':')
      return at[size + 1];
    at += length + strspn (at + length, " ");
  }
  return 0;
}

static adze_error *
unknown_attribute (const adze_infer *infer, const char *name, const char *attributes)
{
  ADZE_AUTO (adze_buffer) list = { 0 };
  for (const char *at = attributes; *at;) {
    size_t length = strcspn (at, " ");
    adze_buffer_text (&list, list.size ? ", " : "");
    adze_buffer_add (&list, at, strcspn (at, ":"));
    at += length + strspn (at + length, " ");
  }
  if (!list.data)
    return adze_infer_refuse (infer, "has an attribute '%s', and the operator has none", name);
  return adze_infer_refuse (infer, "has an attribute '%s'; the operator knows %s", name, list.data);
}

static adze_error *
check_attribute (const adze_infer *infer, const adze_graph_attribute *attribute,
                 const char *attributes)
{
  if (strchr (attribute->name, '.'))
    return NULL;
  char kind = kind_of (attributes, attribute->name);
  if (!kind)
    return unknown_attribute (infer, attribute->name, attributes);
  uint32_t needed = (uint32_t)(strchr (kinds, kind) - kinds);
  if (attribute->type != needed)
    return adze_infer_refuse (infer, "attribute '%s' is %s; %s is needed", attribute->name,
                              kind_names[attribute->type < ADZE_COUNT_OF (kind_names)
                                             ? attribute->type : 0],
                              kind_names[needed]);
  bool single = needed <= ADZE_ATTRIBUTE_TEXT;
  bool empty = (needed == ADZE_ATTRIBUTE_TENSOR && !attribute->tensor)
               || (needed == ADZE_ATTRIBUTE_GRAPH && !attribute->graph);
  if ((single && attribute->count != 1) || empty)
    return adze_infer_refuse (infer, "attribute '%s' is to be %s, and has nothing or more in it",
                              attribute->name, kind_names[needed]);
  return NULL;
}

adze_error *
adze_infer_check_attributes (const adze_infer *infer, const adze_operator *operator)
{
  const char *attributes = operator->attributes;
  for (size_t i = 0; i < infer->node->attribute_count; i++)
    ADZE_TRY (check_attribute (infer, &infer->node->attributes[i], attributes));
  for (const char *at = attributes; *at;) {
    size_t length = strcspn (at, " ");
    char name[48];
    size_t size = strcspn (at, ":");
    if (at[length - 1] == '!' && size < sizeof name) {
      memcpy (name, at, size);
      name[size] = 0;
      if (!adze_node_attribute (infer->node, name))
        return adze_infer_refuse (infer, "attribute '%s' is missing; the operator needs it", name);
    }
    at += length + strspn (at + length, " ");
  }
  return NULL;
}

adze_error *
adze_infer_choice (const adze_infer *infer, const char *name, const char *choices, int preset,
                   int *into)
{
  *into = preset;
  const adze_graph_attribute *found = adze_node_attribute (infer->node, name);
  if (!found)
    return NULL;
  const adze_text *text = found->texts;
  int number = 0;
  for (const char *at = choices; *at; number++) {
    size_t length = strcspn (at, "|");
    if (length == text->size && memcmp (at, text->data, length) == 0) {
      *into = number;
      return NULL;
    }
    at += length + (at[length] == '|');
  }
  return adze_infer_refuse (infer, "attribute '%s' is '%.*s'; it can be %s", name,
                            (int)(text->size < 80 ? text->size : 80), text->data, choices);
}

adze_error *
adze_infer_list (const adze_infer *infer, const char *name, size_t count, int64_t preset,
                 int64_t least, int64_t most, int64_t *into)
{
  size_t found;
  const int64_t *values = adze_node_ints (infer->node, name, &found);
  if (values && found != count)
    return adze_infer_refuse (infer, "attribute '%s' has %zu numbers; %zu are needed", name, found,
                              count);
  for (size_t i = 0; i < count; i++) {
    into[i] = values ? values[i] : preset;
    if (values && (into[i] < least || into[i] > most))
      return adze_infer_refuse (infer, "number %zu of attribute '%s' is %lld; %lld to %lld are "
                                "possible", i, name, (long long)into[i], (long long)least,
                                (long long)most);
  }
  return NULL;
}
