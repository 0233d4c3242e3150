/* SPDX-License-Identifier: Apache-2.0 */
/* chain.c: functions of elements that come one after the other are done in blocks, all of them on one
 * block before the next: what is only needed inside such a chain stays in the nearest cache and is
 * never written to memory. Each element is computed as oneDNN's own primitives would: one operation
 * after the other, each rounded, so that the bytes are the same, but for numbers below the least normal
 * one: they are 0 here. What an optimiser remembers of a weight that does not learn any more goes through
 * them, and stays there for ever where it is rounded up; each of them costs a hundred others. */
#include "onednn.h"

#include <math.h>

#include "any_width.h"

#if defined __x86_64__
#include <xmmintrin.h>
#endif

enum { BLOCK = 1024, BLOCKS_A_PIECE = 8, NO_ROOM = 255 };

/* ---- The functions. A and B are rows, or one number for all where SINGLE says so. OUT may be one of these
 * rows, and begins nowhere else in them. */

typedef void function (float *out, const float *a, const float *b, const bool *single,
                       size_t count);

#define FUNCTION(name, expression) \
  ANY_WIDTH static void name (float *out, const float *a, const float *b, const bool *single, \
                              size_t count) \
  { \
    const float one = *a, other = *b; \
    if (single[0]) \
      EACH_BY_ITSELF for (size_t i = 0; i < count; i++) { \
        float x = one, y = b[i]; \
        out[i] = (expression); \
      } \
    else if (single[1]) \
      EACH_BY_ITSELF for (size_t i = 0; i < count; i++) { \
        float x = a[i], y = other; \
        out[i] = (expression); \
      } \
    else \
      EACH_BY_ITSELF for (size_t i = 0; i < count; i++) { \
        float x = a[i], y = b[i]; \
        out[i] = (expression); \
      } \
  }

FUNCTION (add, x + y)
FUNCTION (subtract, x - y)
FUNCTION (multiply, x *y)
FUNCTION (divide, x / y)
FUNCTION (relu_grad, x > 0 ? y : 0)

/* Of one input: B is A. */
#define FUNCTION_OF_ONE(name, expression) \
  ANY_WIDTH static void name (float *out, const float *a, const float *b, const bool *single, \
                              size_t count) \
  { \
    (void)b; \
    (void)single; \
    EACH_BY_ITSELF for (size_t i = 0; i < count; i++) { \
      float x = a[i]; \
      out[i] = (expression); \
    } \
  }

FUNCTION_OF_ONE (root, sqrtf (x))
FUNCTION_OF_ONE (negate, -x)

static function *const functions[] = {
  [ONEDNN_ADD] = add,           [ONEDNN_SUBTRACT] = subtract, [ONEDNN_MULTIPLY] = multiply,
  [ONEDNN_DIVIDE] = divide,     [ONEDNN_RELU_GRAD] = relu_grad, [ONEDNN_ROOT] = root,
  [ONEDNN_NEGATE] = negate,
};

/* ---- At work. */

typedef struct pass {
  const onednn_chain *chain;
  float *at[ONEDNN_ARGS];      /* where each argument lies */
  const float *rows[ONEDNN_ARGS]; /* those that are more than one number */
  size_t row_count;
} pass;

/* Numbers below the least normal one are 0 until they are no more. */
#if defined __x86_64__
static unsigned
without_tiny (void)
{
  enum { RESULTS = 0x8000, OPERANDS = 0x0040 };
  unsigned before = _mm_getcsr ();
  _mm_setcsr (before | RESULTS | OPERANDS);
  return before;
}

static void
with_tiny (unsigned before)
{
  _mm_setcsr (before);
}
#else
static unsigned
without_tiny (void)
{
  return 0;
}

static void
with_tiny (unsigned before)
{
  (void)before;
}
#endif

/* A part of the next block is sent for with each link of this one: processors look ahead no further than
 * the end of a page, and a block of a row is one. */
static void
send_for (const pass *w, size_t next, size_t link)
{
  enum { LINE = 64 / sizeof (float), LINES = BLOCK / LINE };
  size_t first = link * LINES / w->chain->count, last = (link + 1) * LINES / w->chain->count;
  for (size_t i = 0; i < w->row_count; i++)
    for (size_t line = first; line < last; line++)
      __builtin_prefetch (w->rows[i] + next + line * LINE, 1);
}

static float *
place (const pass *w, const onednn_place *place, bool single, size_t first,
       float (*rooms)[BLOCK])
{
  if (place->room)
    return rooms[place->number];
  return w->at[place->number] + (single ? 0 : first);
}

static void
do_step (const pass *w, size_t first, size_t count, float (*rooms)[BLOCK])
{
  float *at[ONEDNN_STEP_PLACES];
  for (size_t i = 0; i < ONEDNN_STEP_PLACES; i++)
    at[i] = place (w, &w->chain->step.places[i], i >= ONEDNN_STEP_ROWS, first, rooms);
  onednn_step_do (at, count);
}

static void
do_block (const pass *w, size_t first, size_t count)
{
  float rooms[ONEDNN_ROOMS][BLOCK];
  for (size_t i = 0; i < w->chain->plain; i++) {
    const onednn_link *link = &w->chain->links[i];
    functions[link->op](place (w, &link->out, false, first, rooms),
                        place (w, &link->in[0], link->single[0], first, rooms),
                        place (w, &link->in[1], link->single[1], first, rooms), link->single,
                        count);
    send_for (w, first + BLOCK, i);
  }
  if (w->chain->plain < w->chain->count)
    do_step (w, first, count, rooms);
}

static adze_status
do_blocks (void *argument, size_t first, size_t last)
{
  const pass *w = argument;
  unsigned before = without_tiny ();
  for (size_t block = first; block < last; block++) {
    size_t begin = block * BLOCK, left = w->chain->elements - begin;
    do_block (w, begin, left < BLOCK ? left : BLOCK);
  }
  with_tiny (before);
  return ADZE_OK;
}

static void
add_row (pass *w, const onednn_place *place, bool single)
{
  const float *row = w->at[place->number];
  if (place->room || single)
    return;
  for (size_t i = 0; i < w->row_count; i++)
    if (w->rows[i] == row)
      return;
  w->rows[w->row_count++] = row;
}

static adze_status
do_chain (const adze_host *host, const adze_program *p, const onednn_act *act)
{
  (void)host;
  pass w = { .chain = act->own };
  size_t blocks = (w.chain->elements + BLOCK - 1) / BLOCK;
  for (int i = 0; i < act->count; i++)
    w.at[i] = p->slots[act->args[i].slot].handle;
  for (size_t i = 0; i < w.chain->count; i++) {
    const onednn_link *link = &w.chain->links[i];
    add_row (&w, &link->in[0], link->single[0]);
    add_row (&w, &link->in[1], link->single[1]);
    add_row (&w, &link->out, false);
  }
  onednn_share (blocks, BLOCKS_A_PIECE, do_blocks, &w);
  return ADZE_OK;
}

/* ---- What may be in a chain. */

static int64_t
elements_of (const onednn_part *part, size_t slot)
{
  const dnnl_memory_desc_t *layout = &part->program->slots[slot].layout;
  return onednn_product (layout->dims, 0, layout->ndims);
}

/* All numbers of the layout, those between its elements among them: they are zeros. */
static size_t
numbers_of (const onednn_part *part, size_t slot)
{
  return dnnl_memory_desc_get_size (&part->program->slots[slot].layout) / sizeof (float);
}

/* Float32, with nothing between the elements, or what is there stays zero? */
static bool
may_be_chained (const onednn_part *part, onednn_element_op op, size_t slot)
{
  return part->program->slots[slot].layout.data_type == dnnl_f32
         && (op == ONEDNN_RELU_GRAD
             || numbers_of (part, slot) == (size_t)elements_of (part, slot));
}

void
onednn_element_note (onednn_part *part, onednn_element_op op, const size_t *in, size_t out)
{
  adze_program *p = part->program;
  if (part->trial || op == ONEDNN_NO_ELEMENT || p->act_count == 0 || !may_be_chained (part, op, out))
    return;
  onednn_element element = { .op = op, .in = { in[0], in[1] }, .out = out,
                             .count = numbers_of (part, out) };
  for (int i = 0; i < 2; i++) {
    element.single[i] = elements_of (part, in[i]) == 1 && element.count > 1;
    if (!element.single[i]
        && !onednn_same (&p->slots[in[i]].layout, &p->slots[out].layout))
      return;
  }
  if (!(element.single[0] && element.single[1]))
    p->acts[p->act_count - 1].element = element;
}

/* ---- A chain from acts FIRST to LAST. */

typedef struct builder {
  onednn_part *part;
  size_t first, last;
  onednn_chain *chain;
  onednn_act *act;
  uint8_t rooms[ONEDNN_LINKS]; /* where the value of each link is; NO_ROOM: in its slot */
  size_t last_use[ONEDNN_LINKS];
} builder;

/* Does any act outside of the chain look at the store? */
static bool
is_seen_outside (const builder *b, size_t store)
{
  const adze_program *p = b->part->program;
  if (p->stores[store].where != ONEDNN_SCRATCH)
    return true;
  for (size_t a = 0; a < p->act_count; a++) {
    if (a >= b->first && a <= b->last)
      continue;
    for (int i = 0; i < p->acts[a].count; i++)
      if (p->slots[p->acts[a].args[i].slot].store == store)
        return true;
  }
  return false;
}

/* The link that makes what lies in SLOT's store, the youngest in front of BEFORE. */
static size_t
maker_of (const builder *b, size_t slot, size_t before)
{
  const adze_program *p = b->part->program;
  for (size_t i = before; i-- > 0;)
    if (p->slots[p->acts[b->first + i].element.out].store == p->slots[slot].store)
      return i;
  return SIZE_MAX;
}

/* The number of SLOT among the arguments; new ones are added. */
static uint8_t
argument (builder *b, size_t slot)
{
  for (int i = 0; i < b->act->count; i++)
    if (b->act->args[i].slot == slot)
      return (uint8_t)i;
  b->act->args[b->act->count] = (onednn_arg){ .what = 0, .slot = slot };
  return (uint8_t)b->act->count++;
}

static void
find_last_uses (builder *b)
{
  const adze_program *p = b->part->program;
  for (size_t i = 0; i <= b->last - b->first; i++) {
    b->last_use[i] = i;
    for (int k = 0; k < 2; k++) {
      size_t maker = maker_of (b, p->acts[b->first + i].element.in[k], i);
      if (maker != SIZE_MAX)
        b->last_use[maker] = i;
    }
  }
}

/* A place in the block's own memory that nobody needs any more. */
static uint8_t
free_room (builder *b, size_t link)
{
  for (uint8_t room = 0; room < ONEDNN_ROOMS; room++) {
    bool taken = false;
    for (size_t i = 0; i < link; i++)
      taken = taken || (b->rooms[i] == room && b->last_use[i] >= link);
    if (!taken)
      return room;
  }
  return NO_ROOM;
}

static onednn_place
operand (builder *b, size_t link, int index)
{
  const onednn_element *element = &b->part->program->acts[b->first + link].element;
  size_t maker = maker_of (b, element->in[index], link);
  if (maker != SIZE_MAX && b->rooms[maker] != NO_ROOM)
    return (onednn_place){ .room = true, .number = b->rooms[maker] };
  return (onednn_place){ .number = argument (b, element->in[index]) };
}

static void
add_link (builder *b, size_t link)
{
  const adze_program *p = b->part->program;
  const onednn_element *element = &p->acts[b->first + link].element;
  onednn_link *made = &b->chain->links[b->chain->count++];
  *made = (onednn_link){ .op = element->op, .single = { element->single[0], element->single[1] } };
  for (int i = 0; i < 2; i++)
    made->in[i] = operand (b, link, i);
  b->rooms[link] = is_seen_outside (b, p->slots[element->out].store) ? NO_ROOM
                                                                     : free_room (b, link);
  made->out = b->rooms[link] != NO_ROOM
                  ? (onednn_place){ .room = true, .number = b->rooms[link] }
                  : (onednn_place){ .number = argument (b, element->out) };
}

/* Acts FIRST to LAST become one, which takes the place of the first. */
static adze_status
join (onednn_part *part, size_t first, size_t last)
{
  adze_program *p = part->program;
  onednn_act act = { .count = 0 };
  builder b = { .part = part, .first = first, .last = last, .act = &act };
  b.chain = part->host->allocate (part->host, sizeof *b.chain);
  if (!b.chain)
    return onednn_refuse (part, ADZE_E_MEMORY, "no memory for a chain");
  b.chain->count = 0;
  b.chain->elements = p->acts[first].element.count;
  find_last_uses (&b);
  for (size_t i = 0; i <= last - first; i++)
    add_link (&b, i);
  onednn_step_find (b.chain);
  for (size_t i = first; i <= last; i++)
    dnnl_primitive_desc_destroy (p->acts[i].descriptor);
  act.work = do_chain;
  act.own = b.chain;
  p->acts[first] = act;
  memmove (&p->acts[first + 1], &p->acts[last + 1], (p->act_count - last - 1) * sizeof act);
  p->act_count -= last - first;
  return ADZE_OK;
}

/* A difference somewhere behind a root: an optimiser's step may end there. A chain that does is done faster. */
static bool
ends_step (const adze_program *p, size_t first, size_t last)
{
  bool rooted = false;
  for (size_t a = first; a < last; a++)
    rooted = rooted || p->acts[a].element.op == ONEDNN_ROOT;
  return rooted && p->acts[last].element.op == ONEDNN_SUBTRACT;
}

/* Each link has two arguments and a result at most. */
static size_t
end_of_run (const adze_program *p, size_t first)
{
  size_t last = first, most = (ONEDNN_ARGS - 1) / 3;
  const onednn_element *one = &p->acts[first].element;
  if (most > ONEDNN_LINKS)
    most = ONEDNN_LINKS;
  while (last + 1 < p->act_count && last + 1 - first < most && !ends_step (p, first, last)
         && p->acts[last + 1].element.op != ONEDNN_NO_ELEMENT
         && p->acts[last + 1].element.count == one->count)
    last++;
  return last;
}

adze_status
onednn_chain_all (onednn_part *part)
{
  adze_program *p = part->program;
  for (size_t a = 0; a < p->act_count; a++) {
    if (p->acts[a].element.op == ONEDNN_NO_ELEMENT)
      continue;
    size_t last = end_of_run (p, a);
    if (last == a && p->acts[a].descriptor)
      continue;
    adze_status status = join (part, a, last);
    if (status != ADZE_OK)
      return status;
  }
  return ADZE_OK;
}

/* ---- What is written over what was read. */

/* The store of the program's input or output INDEX; SIZE_MAX: nothing of it is there. */
static size_t
find_store (const adze_program *p, onednn_where where, uint32_t index)
{
  for (size_t i = 0; i < p->store_count; i++)
    if (p->stores[i].where == where && p->stores[i].index == index)
      return i;
  return SIZE_MAX;
}

static bool
lies_in (const adze_program *p, const onednn_act *act, const onednn_place *place, size_t store)
{
  return !place->room && p->slots[act->args[place->number].slot].store == store;
}

/* In each block, the last link that reads BEFORE comes no later than the first one that writes AFTER. */
static bool
reads_in_time (const adze_program *p, const onednn_act *act, size_t before, size_t after)
{
  const onednn_chain *chain = act->own;
  bool written = false;
  for (size_t i = 0; i < chain->count; i++) {
    const onednn_link *link = &chain->links[i];
    for (int k = 0; k < 2; k++)
      if (lies_in (p, act, &link->in[k], before) && (written || link->single[k]))
        return false;
    written = written || lies_in (p, act, &link->out, after);
  }
  return written;
}

/* Stores are needed from their first act to their last. That of an output begins where it is made; if that
 * is a chain, and nobody needs the input behind it, the chain alone decides. */
bool
onednn_may_replace (const adze_program *p, uint32_t output, uint32_t input)
{
  size_t before = find_store (p, ONEDNN_INPUT, input), after = find_store (p, ONEDNN_OUTPUT, output);
  if (before == SIZE_MAX || after == SIZE_MAX || p->stores[after].first > p->stores[after].last)
    return false;
  const onednn_act *maker = &p->acts[p->stores[after].first];
  return p->stores[before].last <= p->stores[after].first && maker->work == do_chain
         && reads_in_time (p, maker, before, after);
}
