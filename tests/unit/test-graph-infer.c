/* SPDX-License-Identifier: Apache-2.0 */
/* Rules for types and shapes, on one small node each: what comes out, and what is refused with
 * which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "artifact/meta.h"
#include "base/file.h"
#include "graph/infer.h"
#include "world.h"

/* ---- Nodes as text.
 *
 * Inputs: "f32[2,N]", a letter being a symbol; "i64[2]=1,-1" with numbers; "f32" without a shape;
 * "-" left out. Attributes: "axis=1 perm=[0,1] mode='edge' p=0.5". Outputs: like inputs, "?" being
 * some symbol and "-" one that is not asked for; or, behind '!', what a refusal says. A name of our own
 * domain begins with "adze:". */
typedef struct node_case {
  const char *op, *attributes, *inputs, *outputs;
} node_case;

enum { MOST = 16 };

typedef struct spelled {
  adze_dtype dtype;
  int32_t rank;
  int64_t shape[ADZE_GRAPH_RANK];
  const char *numbers; /* or NULL */
} spelled;

/* Reads a word that ends in a space. A '?' among dimensions becomes INT64_MIN. */
static const char *
read_value (adze_graph *graph, const char *text, spelled *into)
{
  char name[16] = "";
  size_t length = strcspn (text, " "), size = strcspn (text, "[ ");
  *into = (spelled){ .rank = -1 };
  assert_true (size < sizeof name);
  memcpy (name, text, size);
  assert_true (adze_dtype_parse (name, &into->dtype));
  const char *at = text + size;
  if (*at == '[') {
    into->rank = 0;
    for (at++; *at != ']'; at += *at == ',') {
      int64_t *dimension = &into->shape[into->rank++];
      char *end;
      if (*at == '?') {
        *dimension = INT64_MIN;
        at++;
      } else if (*at >= 'A' && *at <= 'Z') {
        must (adze_graph_add_symbol (graph, (char[]){ *at, 0 }, dimension));
        at++;
      } else {
        *dimension = strtoll (at, &end, 10);
        at = end;
      }
    }
    into->numbers = at[1] == '=' ? at + 2 : NULL;
  }
  return text + length + (text[length] == ' ');
}

static uint32_t
add_numbers (adze_graph *graph, spelled *value)
{
  union {
    int64_t i64[64];
    int32_t i32[64];
    uint8_t u8[64];
    float f32[64];
  } data = { .i64 = { 0 } };
  const char *at = value->numbers;
  for (size_t i = 0; *at && *at != ' '; i++, at += *at == ',') {
    char *end;
    double number = strtod (at, &end);
    int64_t whole = strtoll (at, NULL, 10);
    if (value->dtype.code == ADZE_FLOAT)
      data.f32[i] = (float)number;
    else if (value->dtype.bits == 64)
      data.i64[i] = whole;
    else if (value->dtype.bits == 32)
      data.i32[i] = (int32_t)whole;
    else
      data.u8[i] = (uint8_t)whole;
    at = end;
  }
  adze_view view = { .data = &data, .device = { ADZE_DEVICE_CPU, 0 }, .rank = value->rank,
                     .dtype = value->dtype, .shape = value->shape };
  uint32_t number;
  must (adze_graph_add_constant (graph, NULL, &view, &number));
  return number;
}

static size_t
add_inputs (adze_graph *graph, const char *text, uint32_t *into)
{
  size_t count = 0;
  while (*text) {
    spelled value;
    if (*text == '-') {
      into[count++] = ADZE_NONE;
      text += 1 + (text[1] == ' ');
      continue;
    }
    text = read_value (graph, text, &value);
    if (value.numbers)
      into[count++] = add_numbers (graph, &value);
    else
      must (adze_graph_add_input (graph, NULL, value.dtype, value.rank, value.shape,
                                  &into[count++]));
  }
  return count;
}

/* Room for what attributes point to. */
typedef struct attribute_room {
  adze_graph_attribute list[MOST];
  size_t count;
  char names[MOST][40], texts[MOST][80];
  int64_t ints[MOST][MOST];
  float floats[MOST];
  adze_text words[MOST];
} attribute_room;

static void
read_ints (const char **at, adze_graph_attribute *into, int64_t *ints)
{
  into->type = ADZE_ATTRIBUTE_INTS;
  into->count = 0;
  into->ints = ints;
  for (++*at; **at != ']'; *at += **at == ',') {
    char *end;
    ints[into->count++] = strtoll (*at, &end, 10);
    *at = end;
  }
  ++*at;
}

static void
read_attributes (const char *at, attribute_room *room)
{
  while (*at) {
    size_t i = room->count++, size = strcspn (at, "=");
    memcpy (room->names[i], at, size);
    room->list[i] = (adze_graph_attribute){ .struct_size = sizeof room->list[i], .count = 1,
                                            .name = room->names[i] };
    at += size + 1;
    size = strcspn (at, " ");
    if (*at == '[') {
      read_ints (&at, &room->list[i], room->ints[i]);
    } else if (*at == '\'') {
      size = strcspn (at + 1, "'");
      memcpy (room->texts[i], at + 1, size);
      room->words[i] = (adze_text){ .data = room->texts[i], .size = size };
      room->list[i].type = ADZE_ATTRIBUTE_TEXT;
      room->list[i].texts = &room->words[i];
      at += size + 2;
    } else if (memchr (at, '.', size)) {
      room->floats[i] = strtof (at, NULL);
      room->list[i].type = ADZE_ATTRIBUTE_FLOAT;
      room->list[i].floats = &room->floats[i];
      at += size;
    } else {
      room->ints[i][0] = strtoll (at, NULL, 10);
      room->list[i].type = ADZE_ATTRIBUTE_INT;
      room->list[i].ints = room->ints[i];
      at += size;
    }
    at += *at == ' ';
  }
}

static void
compare_output (adze_graph *graph, const node_case *this, const spelled *wanted, uint32_t number)
{
  const adze_graph_value *found = adze_graph_value_at (graph, number);
  bool same = found->rank == wanted->rank
              && memcmp (&found->dtype, &wanted->dtype, sizeof found->dtype) == 0;
  for (int32_t d = 0; same && d < found->rank; d++)
    same = wanted->shape[d] == INT64_MIN ? found->shape[d] < 0
                                         : found->shape[d] == wanted->shape[d];
  if (same)
    return;
  ADZE_AUTO (adze_buffer) shape = { 0 };
  adze_shape_text (found->rank, found->shape, &shape);
  fail_msg ("%s {%s} of %s gives %s%s in the place of %s", this->op, this->attributes, this->inputs,
            found->dtype.bits ? adze_dtype_name (found->dtype) : "nothing",
            found->rank >= 0 ? shape.data : "", this->outputs);
}

static void
check_refusal (const node_case *this, adze_error *error)
{
  if (!error)
    fail_msg ("%s {%s} of %s is not refused with '%s'", this->op, this->attributes, this->inputs,
              this->outputs + 1);
  ADZE_AUTO_FREE char *text = adze_error_text (error);
  adze_error_free (error);
  if (!strstr (text, this->outputs + 1))
    fail_msg ("%s {%s} of %s is refused with '%s'; it should say '%s'", this->op, this->attributes,
              this->inputs, text, this->outputs + 1);
}

static void
check (const node_case *this)
{
  ADZE_AUTO_GRAPH graph = NULL;
  must (adze_graph_new ("small", &graph));
  uint32_t inputs[MOST], outputs[MOST];
  attribute_room room = { .count = 0 };
  const char *names[MOST] = { NULL };
  bool ours = strncmp (this->op, "adze:", 5) == 0;
  read_attributes (this->attributes, &room);
  adze_node_recipe recipe = { .struct_size = sizeof recipe, .domain = ours ? "adze" : "",
                              .op = ours ? this->op + 5 : this->op, .name = "it",
                              .inputs = inputs, .output_names = names,
                              .attributes = room.list, .attribute_count = room.count };
  recipe.input_count = add_inputs (graph, this->inputs, inputs);
  for (const char *at = this->outputs; *at; recipe.output_count++) {
    names[recipe.output_count] = *at == '-' ? "" : NULL;
    at += strcspn (at, " ");
    at += strspn (at, " ");
    if (this->outputs[0] == '!')
      at = "";
  }
  must (adze_graph_add_node (graph, &recipe, outputs));
  adze_error *error = adze_graph_infer (graph);
  if (this->outputs[0] == '!') {
    check_refusal (this, error);
    return;
  }
  must (error);
  size_t output = 0;
  for (const char *at = this->outputs; *at; output++) {
    spelled wanted;
    if (*at == '-') {
      at += 1 + (at[1] == ' ');
      continue;
    }
    at = read_value (graph, at, &wanted);
    compare_output (graph, this, &wanted, outputs[output]);
  }
}

static void
check_all (const node_case *cases, size_t count)
{
  for (size_t i = 0; i < count; i++)
    check (&cases[i]);
}

/* ---- Families. */

static void
elementwise_operators_stretch_their_inputs (void **state)
{
  static const node_case cases[] = {
    { "Relu", "", "f32[N,3]", "f32[N,3]" },
    { "Add", "", "f32[N,1,3] f32[4,1]", "f32[N,4,3]" },
    { "Add", "", "f32[N] f32[5]", "f32[5]" },
    { "Add", "", "f32[N] f32[M]", "f32[?]" },
    { "Add", "", "f32 f32[2]", "f32" },
    { "Add", "", "f32[2,3] f32[4]", "!shapes [2, 3] and [4] do not fit" },
    { "Add", "", "f32[2] f64[2]", "!input 0 is f32, and input 1 is f64" },
    { "Sqrt", "", "i32[2]", "!input 0 is i32; the operator takes f32" },
    { "Greater", "", "i64[2,1] i64[3]", "bool[2,3]" },
    { "Pow", "", "f32[2] i64[]", "f32[2]" },
    { "Where", "", "bool[2,1] f64[3] f64[]", "f64[2,3]" },
    { "Clip", "", "f32[2] - f32[]=3", "f32[2]" },
    { "Clip", "", "f32[2] f32[2]=1,2", "!a limit is a single number" },
    { "PRelu", "", "f32[2,3] f32[2,1,3]", "!cannot be stretched" },
    { "Softmax", "axis=-1", "f32[2,N]", "f32[2,N]" },
    { "Softmax", "axis=2", "f32[2,N]", "!axis 2 is not one of 2 dimensions" },
    { "Softmax", "axis='x'", "f32[2]", "!attribute 'axis' is a text; a whole number is needed" },
    { "Softmax", "side=1", "f32[2]", "!has an attribute 'side'; the operator knows axis" },
    { "Softmax", "note.of=1", "f32[2]", "f32[2]" },
    { "Mod", "", "f32[2] f32[2]", "!'fmod' must be 1" },
    { "Cast", "to=7", "f32[N]", "i64[N]" },
    { "Cast", "to=8", "f32[N]", "!attribute 'to' is 8" },
    { "Cast", "", "f32[N]", "!attribute 'to' is missing" },
    { "CumSum", "", "f32[2,3] i64[]=2", "!axis 2 is not one of" },
    { "Nothing", "", "f32[2]", "!there is no operator of this name" },
    { "SequenceAt", "", "f32[2] i64[]", "!it works on sequences" },
    { "Add", "", "f32[2]", "!has 1 inputs and 1 outputs; the operator takes 2 to 2" },
    { "Add", "", "- f32[2]", "!input 0 is left out" },
  };
  (void)state;
  check_all (cases, ADZE_COUNT_OF (cases));
}

static void
reductions_and_products (void **state)
{
  static const node_case cases[] = {
    { "ReduceMean", "axes=[1] keepdims=0", "f32[N,3,4]", "f32[N,4]" },
    { "ReduceMean", "", "f32[N,3]", "f32[1,1]" },
    { "ReduceMean", "axes=[1,-1]", "f32[N,3]", "!axis -1 is given twice" },
    { "ReduceSum", "", "f32[N,3] i64[1]=0", "f32[1,3]" },
    { "ReduceSum", "keepdims=0", "f32[N,3] i64[1]", "f32[?]" },
    { "ReduceSum", "noop_with_empty_axes=1", "f32[N,3]", "f32[N,3]" },
    { "ArgMax", "axis=-1 keepdims=0", "f32[N,3]", "i64[N]" },
    { "MatMul", "", "f32[N,2,3] f32[3,4]", "f32[N,2,4]" },
    { "MatMul", "", "f32[3] f32[5,3,4]", "f32[5,4]" },
    { "MatMul", "", "f32[3] f32[3]", "f32[]" },
    { "MatMul", "", "f32[2,3] f32[4,5]", "!is 3 here and 4 there" },
    { "MatMul", "", "f32[] f32[4,5]", "!input 0 has 0 dimensions" },
    { "Gemm", "transA=1 transB=1", "f32[3,N] f32[4,3] f32[4]", "f32[N,4]" },
    { "Gemm", "", "f32[2,3] f32[3,4] f32[3]", "!input 2 is of shape [3]" },
    { "MatMulInteger", "", "u8[2,3] i8[3,4] u8[] i8[4]", "i32[2,4]" },
    { "Einsum", "equation='bij, bjk -> bik'", "f32[N,2,3] f32[N,3,4]", "f32[N,2,4]" },
    { "Einsum", "equation='...ii->...i'", "f32[5,3,3]", "f32[5,3]" },
    { "Einsum", "equation='ij,jk'", "f32[2,3] f32[3,4]", "f32[2,4]" },
    { "Einsum", "equation='ij->k'", "f32[2,3]", "!no input has" },
    { "Einsum", "equation='ij,jk->ik'", "f32[2,3]", "!one term for each of 1 inputs" },
    { "Einsum", "equation='ii->i'", "f32[2,3]", "!is 2 here and 3 there" },
    { "Det", "", "f32[5,2,2]", "f32[5]" },
    { "Det", "", "f32[2,3]", "!the side of a square" },
  };
  (void)state;
  check_all (cases, ADZE_COUNT_OF (cases));
}

static void
shapes_are_changed (void **state)
{
  static const node_case cases[] = {
    { "Reshape", "", "f32[2,3,4] i64[2]=0,-1", "f32[2,12]" },
    { "Reshape", "", "f32[N,3,4] i64[2]=0,-1", "f32[N,12]" },
    { "Reshape", "", "f32[N,1,4] i64[2]=-1,4", "f32[N,4]" },
    { "Reshape", "", "f32[N,6] i64[2]=-1,4", "f32[?,4]" },
    { "Reshape", "", "f32[0,3] i64[2]=0,-1", "f32[0,3]" },
    { "Reshape", "", "f32[2,3] i64[3]", "f32[?,?,?]" },
    { "Reshape", "", "f32[2,3] i64[1]=5", "!has 5 elements where input 0 has 6" },
    { "Reshape", "", "f32[2,3] i64[2]=4,-1", "!6 elements cannot be shared out" },
    { "Reshape", "", "f32[2,3] i64[2]=-1,-1", "!number 1 of the shape asked for is -1" },
    { "Reshape", "", "f32[2,3] i64[3]=6,1,0", "!number 2 of the shape asked for is 0" },
    { "Reshape", "", "f32[2] i64[2]=4611686018427387904,4611686018427387904", "!beyond what" },
    { "Reshape", "", "f32[2] i64[17]", "!17 dimensions" },
    { "Flatten", "axis=2", "f32[N,2,3]", "f32[?,3]" },
    { "Flatten", "axis=4", "f32[N,2,3]", "!attribute 'axis' is 4" },
    { "Squeeze", "", "f32[1,3,1] i64[1]=-1", "f32[1,3]" },
    { "Squeeze", "", "f32[1,3,1]", "f32[3]" },
    { "Squeeze", "", "f32[1,3] i64[1]=1", "!dimension 1 is 3" },
    { "Unsqueeze", "", "f32[N] i64[2]=0,-1", "f32[1,N,1]" },
    { "Unsqueeze", "", "f32[N] i64[2]=0,0", "!axis 0 is given twice" },
    { "Transpose", "perm=[1,2,0]", "f32[N,2,3]", "f32[2,3,N]" },
    { "Transpose", "", "f32[N,2]", "f32[2,N]" },
    { "Transpose", "perm=[0,0]", "f32[N,2]", "!axis 0 is given twice" },
    { "Transpose", "perm=[0]", "f32[N,2]", "!1 numbers for 2 dimensions" },
    { "Slice", "", "f32[9,N] i64[1]=1 i64[1]=-1 i64[1]=0 i64[1]=3", "f32[3,N]" },
    { "Slice", "", "f32[9] i64[1]=-1 i64[1]=-100 i64[1]=0 i64[1]=-2", "f32[5]" },
    { "Slice", "", "f32[9] i64[1]=-1 i64[1]=-9223372036854775808 i64[1]=0 "
                   "i64[1]=-9223372036854775808", "f32[1]" },
    { "Slice", "", "f32[9] i64[1]=0 i64[1]=9 i64[1]=0 i64[1]=0", "!step 0 is 0" },
    { "Slice", "", "f32[N] i64[1]=0 i64[1]=9223372036854775807", "f32[N]" },
    { "Slice", "", "f32[9,4] i64[1] i64[1]", "f32[?,?]" },
    { "Slice", "", "f32[9] i64[1]=0 i64[2]=1,2", "!input 2 has 2 numbers" },
    { "Concat", "axis=0", "f32[N,3] f32[2,3]", "f32[?,3]" },
    { "Concat", "axis=-1", "f32[N,3] f32[N,4]", "f32[N,7]" },
    { "Concat", "axis=0", "f32[2,3] f32[2,4]", "!beside the axis is 3 here and 4 there" },
    { "Split", "axis=1", "f32[N,6]", "f32[N,3] f32[N,3]" },
    { "Split", "axis=1", "f32[N,6] i64[2]=2,4", "f32[N,2] f32[N,4]" },
    { "Split", "axis=0", "f32[5] i64[1]=4", "!are 4 together" },
    { "Tile", "", "f32[2,N] i64[2]=3,1", "f32[6,N]" },
    { "Tile", "", "f32[2] i64[1]=-1", "!repeated -1 times" },
    { "Expand", "", "f32[3,1] i64[3]=2,1,6", "f32[2,3,6]" },
    { "Expand", "", "f32[3] i64[1]=2", "!do not fit" },
    { "Pad", "", "f32[2,N] i64[4]=1,0,2,0", "f32[5,N]" },
    { "Pad", "", "f32[2] i64[2]=-2,-1", "!cannot be padded by -2 and -1" },
    { "Pad", "mode='round'", "f32[2] i64[2]=1,1", "!it can be constant|reflect|edge" },
    { "DepthToSpace", "blocksize=2", "f32[N,8,2,3]", "f32[N,2,4,6]" },
    { "DepthToSpace", "blocksize=3", "f32[N,8,2,3]", "!8 cannot be divided by 9" },
    { "SpaceToDepth", "blocksize=0", "f32[N,8,2,3]", "!'blocksize' is 0" },
    { "Shape", "start=1", "f32[N,2,3]", "i64[2]" },
    { "Size", "", "f32[N]", "i64[]" },
    { "Constant", "value_ints=[1,2,3]", "", "i64[3]" },
    { "Constant", "", "", "!exactly one" },
    { "ConstantOfShape", "", "i64[2]=2,0", "f32[2,0]" },
    { "ConstantOfShape", "", "i64[1]=-3", "!is -3, and no dimension can be" },
    { "ConstantOfShape", "", "i64[2]=4611686018427387904,16", "!more than memory can hold" },
    { "Range", "", "i64[]=10 i64[]=4 i64[]=-2", "i64[3]" },
    { "Range", "", "i64[]=0 i64[]=4 i64[]=0", "!the step is 0" },
    { "Range", "", "f32[]=1 f32[]=2 f32[]=0.3", "f32[4]" },
    { "Range", "", "f32[]=1 f32[]=2 f32[]=0", "!no number of steps" },
    { "Range", "", "i64[]=-9223372036854775807 i64[]=9223372036854775807 i64[]=1",
      "!more steps than can be counted" },
    { "EyeLike", "dtype=11", "f32[2,N]", "f64[2,N]" },
  };
  (void)state;
  check_all (cases, ADZE_COUNT_OF (cases));
}

static void
elements_are_picked (void **state)
{
  static const node_case cases[] = {
    { "Gather", "axis=1", "f32[N,9] i64[2,3]", "f32[N,2,3]" },
    { "Gather", "axis=2", "f32[N,9] i64[2]", "!axis 2 is not one of" },
    { "GatherElements", "axis=1", "f32[2,9] i64[2,3]", "f32[2,3]" },
    { "GatherElements", "axis=1", "f32[2,9] i64[3]", "!input 1 has 1 dimensions; it must have 2" },
    { "GatherND", "batch_dims=1", "f32[2,3,4] i64[2,1]", "f32[2,4]" },
    { "GatherND", "", "f32[2,3] i64[5,3]", "!can be pointed at by 1 to 2 numbers" },
    { "ScatterElements", "", "f32[3,3] i64[2,3] f32[2,3]", "f32[3,3]" },
    { "ScatterElements", "", "f32[3,3] i64[2,3] f32[3,3]", "!input 2 is of shape [3, 3]" },
    { "ScatterND", "reduction='add'", "f32[4,N] i64[2,1] f32[2,N]", "f32[4,N]" },
    { "OneHot", "", "i64[N] i64[]=10 f32[2]", "f32[N,10]" },
    { "OneHot", "axis=0", "i64[N] f32[1]=3 i32[2]", "i32[3,N]" },
    { "OneHot", "", "i64[N] i64[]=-1 f32[2]", "!a depth of -1" },
    { "NonZero", "", "f32[2,2]=1,-0.0,0,3", "i64[2,2]" },
    { "NonZero", "", "f32[2,N]", "i64[2,?]" },
    { "Compress", "axis=0", "f32[3,N] bool[3]=0,1,1", "f32[2,N]" },
    { "Compress", "", "f32[3,2] bool[2]=0,1", "f32[1]" },
    { "Compress", "axis=0", "f32[2] bool[3]", "!chooses among 3, and there are 2" },
    { "Unique", "", "f32[5]=1,0,-0.0,1,2", "f32[3] i64[3] i64[5] i64[3]" },
    { "Unique", "axis=0", "i64[3,2]=1,2,3,4,1,2", "i64[2,2] - i64[3]" },
    { "Unique", "axis=0", "f32[N,2]", "f32[?,2]" },
    { "TopK", "", "f32[N,9] i64[1]=3", "f32[N,3] i64[N,3]" },
    { "ReverseSequence", "batch_axis=0 time_axis=0", "f32[2,3] i64[2]", "!one must be 0" },
    { "NonMaxSuppression", "",
      "f32[1,3,4]=0,0,1,1,0,0,1,0.9,0,2,1,3 f32[1,1,3]=0.9,0.8,0.7 i64[1]=9 f32[1]=0.5",
      "i64[2,3]" },
    { "NonMaxSuppression", "",
      "f32[1,3,4]=0,0,1,1,0,0,1,0.9,0,2,1,3 f32[1,1,3]=0.9,0.8,0.7 i64[1]=1 f32[1]=0.5",
      "i64[1,3]" },
    { "NonMaxSuppression", "", "f32[1,3,4] f32[1,2,3] i64[1]", "i64[?,3]" },
    { "NonMaxSuppression", "", "f32[1,3,4] f32[1,2,4] i64[1]", "!the number of boxes" },
    { "adze:GatherGrad", "axis=0", "f32[2,N] i64[2] f32[9,N]", "f32[9,N]" },
  };
  (void)state;
  check_all (cases, ADZE_COUNT_OF (cases));
}

static void
windows_slide (void **state)
{
  static const node_case cases[] = {
    { "Conv", "strides=[2,2] pads=[1,1,1,1]", "f32[N,3,9,8] f32[6,3,3,3] f32[6]", "f32[N,6,5,4]" },
    { "Conv", "group=3", "f32[N,3,9] f32[6,1,3]", "f32[N,6,7]" },
    { "Conv", "auto_pad='SAME_UPPER' strides=[2]", "f32[N,3,9] f32[6,3,4]", "f32[N,6,5]" },
    { "Conv", "auto_pad='VALID' dilations=[2]", "f32[N,3,9] f32[6,3,3]", "f32[N,6,5]" },
    { "Conv", "", "f32[N,3,M] f32[6,3,4]", "f32[N,6,?]" },
    { "Conv", "", "f32[N,4,9] f32[6,3,3]", "!input has 4 channels" },
    { "Conv", "", "f32[N,3,2] f32[6,3,3]", "!the window needs 3" },
    { "Conv", "strides=[-1]", "f32[N,3,9] f32[6,3,3]", "!number 0 of attribute 'strides' is -1" },
    { "Conv", "dilations=[9223372036854775807]", "f32[N,3,9] f32[6,3,3]", "!'dilations' is 92233" },
    { "Conv", "pads=[1]", "f32[N,3,9] f32[6,3,3]", "!'pads' has 1 numbers; 2 are needed" },
    { "Conv", "group=0", "f32[N,3,9] f32[6,3,3]", "!attribute 'group' is 0" },
    { "Conv", "kernel_shape=[2]", "f32[N,3,9] f32[6,3,3]", "!a size of the kernel is 2 here" },
    { "Conv", "", "f32[N,3,9] f32[6,3,3] f32[5]", "!input 2 is of shape [5]" },
    { "Conv", "", "f32[N,3] f32[6,3]", "!input 0 has 2 dimensions" },
    { "ConvInteger", "", "u8[1,1,3,3] u8[1,1,2,2] u8[]", "i32[1,1,2,2]" },
    { "ConvTranspose", "strides=[2] output_padding=[1]", "f32[N,3,4] f32[3,5,3]", "f32[N,5,10]" },
    { "ConvTranspose", "output_shape=[7] group=3", "f32[N,3,4] f32[3,2,3]", "f32[N,6,7]" },
    { "ConvTranspose", "", "f32[N,4,4] f32[3,2,3]", "!the number of channels" },
    { "ConvTranspose", "pads=[9,9]", "f32[N,3,4] f32[3,2,3]", "!make no size of" },
    { "MaxPool", "kernel_shape=[3,3] strides=[2,2] ceil_mode=1", "f32[N,3,8,7]",
      "f32[N,3,4,3] i64[N,3,4,3]" },
    { "MaxPool", "", "f32[N,3,8,7]", "!attribute 'kernel_shape' is missing" },
    { "MaxPool", "kernel_shape=[0,3]", "f32[N,3,8,7]", "!'kernel_shape' is 0" },
    { "AveragePool", "kernel_shape=[2] pads=[2,0]", "f32[N,3,8]", "!would see nothing else" },
    { "GlobalAveragePool", "", "f32[N,3,8,7]", "f32[N,3,1,1]" },
    { "MaxUnpool", "kernel_shape=[2,2] strides=[2,2]", "f32[1,1,2,2] i64[1,1,2,2]",
      "f32[1,1,4,4]" },
    { "adze:ConvGradInput", "pads=[1,1]", "f32[N,6,9] f32[6,3,3] f32[N,3,9]", "f32[N,3,9]" },
    { "adze:ConvGradWeight", "", "f32[N,6,7] f32[N,3,9] f32[6,3,3]", "f32[6,3,3]" },
    { "adze:ConvGradWeight", "", "f32[N,6,9] f32[N,3,9] f32[6,3,3]", "!input 0 is of shape" },
    { "adze:MaxPoolGrad", "kernel_shape=[2] strides=[2]", "f32[N,3,4] f32[N,3,8] i64[N,3,4]",
      "f32[N,3,8]" },
    { "adze:AveragePoolGrad", "kernel_shape=[2]", "f32[N,3,8] f32[N,3,8]", "!input 0 is of shape" },
  };
  (void)state;
  check_all (cases, ADZE_COUNT_OF (cases));
}

static void
layers_and_the_rest (void **state)
{
  static const node_case cases[] = {
    { "BatchNormalization", "", "f32[N,3,4] f32[3] f32[3] f32[3] f32[3]", "f32[N,3,4]" },
    { "BatchNormalization", "training_mode=1", "f32[N,3] f32[3] f32[3] f64[3] f64[3]",
      "f32[N,3] f64[3] f64[3]" },
    { "BatchNormalization", "", "f32[N,3,4] f32[4] f32[3] f32[3] f32[3]",
      "!input 1 is of shape [4]" },
    { "LayerNormalization", "axis=1", "f64[N,3,4] f64[3,4]", "f64[N,3,4] f32[N,1,1] f32[N,1,1]" },
    { "LayerNormalization", "", "f32[N,4] f32[3]", "!input 1 is of shape [3]" },
    { "Dropout", "", "f32[N,4]", "f32[N,4] bool[N,4]" },
    { "Dropout", "", "f32[N,4] f32[]=1.5", "!a ratio of 1.5" },
    { "LRN", "size=0", "f32[N,4,4]", "!attribute 'size' is 0" },
    { "LSTM", "hidden_size=5 direction='bidirectional'", "f32[T,N,3] f32[2,20,3] f32[2,20,5]",
      "f32[T,2,N,5] f32[2,N,5] f32[2,N,5]" },
    { "GRU", "layout=1", "f32[N,T,3] f32[1,15,3] f32[1,15,5]", "f32[N,T,1,5] f32[N,1,5]" },
    { "GRU", "hidden_size=6", "f32[N,T,3] f32[1,15,3] f32[1,15,5]", "!the hidden size is 6 here" },
    { "RNN", "direction='up'", "f32[T,N,3] f32[1,5,3] f32[1,5,5]", "!'direction' is 'up'" },
    { "QuantizeLinear", "", "f32[N,3] f32[]", "u8[N,3]" },
    { "QuantizeLinear", "axis=1", "f32[N,3] f32[3] i8[3]", "i8[N,3]" },
    { "QuantizeLinear", "axis=1", "f32[N,3] f32[4]", "!4 scales for dimension 1, which is 3" },
    { "DequantizeLinear", "", "i8[N,3] f32[] i8[]", "f32[N,3]" },
    { "DynamicQuantizeLinear", "", "f32[N,3]", "u8[N,3] f32[] u8[]" },
    { "SoftmaxCrossEntropyLoss", "reduction='none'", "f32[N,3,4] i64[N,4]", "f32[N,4] f32[N,3,4]" },
    { "NegativeLogLikelihoodLoss", "", "f32[N,3] i64[N] f32[3]", "f32[]" },
    { "NegativeLogLikelihoodLoss", "", "f32[N,3] i64[N,2]", "!input 1 is of shape" },
    { "Resize", "", "f32[1,1,4,5] - f32[4]=1,1,0.5,2", "f32[1,1,2,10]" },
    { "Resize", "mode='linear'", "f32[N,1,4] - - i64[3]=2,1,7", "f32[2,1,7]" },
    { "Resize", "", "f32[1,4] - f32[2]=1,-2", "!the scale of dimension 1 is -2" },
    { "Resize", "", "f32[1,4]", "!has neither scales" },
    { "GridSample", "", "f32[N,3,8,8] f32[N,2,5,2]", "f32[N,3,2,5]" },
    { "RoiAlign", "output_height=2 output_width=3", "f32[N,3,8,8] f32[7,4] i64[7]",
      "f32[7,3,2,3]" },
    { "RandomNormal", "shape=[2,3] dtype=11", "", "f64[2,3]" },
    { "RandomNormal", "shape=[-1]", "", "!number 0 of attribute 'shape' is -1" },
    { "Multinomial", "sample_size=4", "f32[N,9]", "i32[N,4]" },
    { "HannWindow", "", "i64[]=10", "f32[10]" },
    { "DFT", "onesided=1", "f32[N,9,1]", "f32[N,5,2]" },
    { "DFT", "axis=2", "f32[N,9,1]", "!is the last dimension" },
    { "STFT", "", "f32[N,128,1] i64[]=8 f32[16]", "f32[N,15,9,2]" },
    { "STFT", "", "f32[N,8,1] i64[]=8 f32[16]", "!frames of 16 are asked for" },
    { "TfIdfVectorizer",
      "max_gram_length=1 max_skip_count=0 min_gram_length=1 mode='TF' ngram_counts=[0] "
      "ngram_indexes=[0,1,2] pool_int64s=[4,5,6]", "i64[N,9]", "f32[N,3]" },
    { "adze:LayerNormalizationGrad", "", "f32[N,4] f32[N,4] f32[4] f32[N,1] f32[N,1]",
      "f32[N,4] f32[4] f32[4]" },
  };
  (void)state;
  check_all (cases, ADZE_COUNT_OF (cases));
}

/* ---- Bodies. */

/* A body that adds its two inputs, the first COUNT being all that it takes; its outputs are GIVEN
 * of what it has: 0 is the first input, 1 the second and so on, -1 the sum of the last two. */
static adze_graph *
add_body (adze_graph *graph, size_t count, const int *given, size_t outputs)
{
  adze_graph *body;
  uint32_t values[MOST], sum;
  must (adze_graph_add_body (graph, "inside", &body));
  for (size_t i = 0; i < count; i++)
    must (adze_graph_add_input (body, NULL, (adze_dtype){ 0 }, -1, NULL, &values[i]));
  adze_node_recipe add = { .struct_size = sizeof add, .op = "Add", .inputs = values + count - 2,
                           .input_count = 2, .output_count = 1 };
  must (adze_graph_add_node (body, &add, &sum));
  for (size_t i = 0; i < outputs; i++)
    must (adze_graph_add_output (body, given[i] < 0 ? sum : values[given[i]]));
  return body;
}

/* A node with bodies on INPUTS, CAPTURED of them from around it; gives what becomes of OUTPUTS. */
static adze_error *
infer_with_bodies (adze_graph *graph, const char *op, const char *inputs, size_t captured,
                   const adze_graph_attribute *attributes, size_t count, uint32_t *outputs,
                   size_t output_count)
{
  uint32_t values[MOST];
  adze_node_recipe recipe = { .struct_size = sizeof recipe, .op = op, .inputs = values,
                              .captured_count = captured, .output_count = output_count,
                              .attributes = attributes, .attribute_count = count };
  recipe.input_count = add_inputs (graph, inputs, values);
  must (adze_graph_add_node (graph, &recipe, outputs));
  return adze_graph_infer (graph);
}

static adze_graph_attribute
graph_attribute (const char *name, const adze_graph *body)
{
  return (adze_graph_attribute){ .struct_size = sizeof (adze_graph_attribute), .name = name,
                                 .type = ADZE_ATTRIBUTE_GRAPH, .count = 1, .graph = body };
}

static void
expect (adze_graph *graph, uint32_t number, const char *text)
{
  spelled wanted;
  read_value (graph, text, &wanted);
  compare_output (graph, &(node_case){ "body", "", "", text }, &wanted, number);
}

static void
branches_give_what_both_give (void **state)
{
  (void)state;
  for (int same = 0; same < 2; same++) {
    ADZE_AUTO_GRAPH graph = NULL;
    uint32_t output;
    must (adze_graph_new ("outside", &graph));
    adze_graph_attribute bodies[] = {
      graph_attribute ("then_branch", add_body (graph, 2, (int[]){ -1 }, 1)),
      graph_attribute ("else_branch", add_body (graph, 2, (int[]){ same ? -1 : 0 }, 1)),
    };
    must (infer_with_bodies (graph, "If", "bool[] f32[2,1] f32[3]", 2, bodies, 2, &output, 1));
    expect (graph, output, same ? "f32[2,3]" : "f32[2,?]");
  }
}

/* The first state stays as it is, the second grows from [1] to the shape that it is added to; each
 * turn's sum is stacked. */
static void
loops_keep_what_stays_the_same (void **state)
{
  (void)state;
  ADZE_AUTO_GRAPH graph = NULL;
  uint32_t outputs[3];
  must (adze_graph_new ("outside", &graph));
  adze_graph_attribute body
      = graph_attribute ("body", add_body (graph, 5, (int[]){ 1, 2, -1, -1 }, 4));
  must (infer_with_bodies (graph, "Loop", "i64[] - f32[N,2] f32[1] f32[7]", 1, &body, 1, outputs,
                           3));
  expect (graph, outputs[0], "f32[N,2]");
  expect (graph, outputs[1], "f32[?]");
  expect (graph, outputs[2], "f32[?,7]");
}

static void
scans_take_slices (void **state)
{
  static const int64_t one = 1, axis = 1;
  (void)state;
  for (int good = 1; good >= 0; good--) {
    ADZE_AUTO_GRAPH graph = NULL;
    uint32_t outputs[2];
    must (adze_graph_new ("outside", &graph));
    adze_graph_attribute attributes[] = {
      graph_attribute ("body", add_body (graph, 2, (int[]){ -1, -1 }, 2)),
      adze_attribute_int ("num_scan_inputs", &one),
      adze_attribute_ints ("scan_input_axes", &axis, 1),
    };
    const char *inputs = good ? "f32[4] f32[4,T]" : "f32[4] f32[5,T]";
    adze_error *error = infer_with_bodies (graph, "Scan", inputs, 0, attributes, 3, outputs, 2);
    if (!good) {
      must_fail (error, ADZE_E_FORMAT, "shapes [4] and [5] do not fit", NULL);
      continue;
    }
    must (error);
    expect (graph, outputs[0], "f32[4]");
    expect (graph, outputs[1], "f32[T,4]");
  }
}

/* ---- The table itself. */

static void
check_letters (const adze_operator *row, const char *letters)
{
  for (; *letters; letters++)
    if (*letters != '.' && (*letters < 'a' || !row->sets[*letters - 'a']))
      fail_msg ("%s has a letter '%c' and no set for it", row->name, *letters);
}

static void
rows_are_sound (void **state)
{
  (void)state;
  size_t count = 0;
  for (const adze_operator *row; (row = adze_operator_at (count)); count++) {
    assert_ptr_equal (adze_operator_find (row->domain, row->name), row);
    assert_true (row->least_inputs <= row->most_inputs && row->least_outputs <= row->most_outputs);
    assert_non_null (row->infer);
    check_letters (row, row->inputs);
    check_letters (row, row->outputs);
    for (const char *at = strchr (row->attributes, ':'); at; at = strchr (at + 1, ':'))
      assert_non_null (strchr ("ifstgIFS", at[1]));
  }
  assert_true (count > 170);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (elementwise_operators_stretch_their_inputs),
    cmocka_unit_test (reductions_and_products),
    cmocka_unit_test (shapes_are_changed),
    cmocka_unit_test (elements_are_picked),
    cmocka_unit_test (windows_slide),
    cmocka_unit_test (layers_and_the_rest),
    cmocka_unit_test (branches_give_what_both_give),
    cmocka_unit_test (loops_keep_what_stays_the_same),
    cmocka_unit_test (scans_take_slices),
    cmocka_unit_test (rows_are_sound),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
