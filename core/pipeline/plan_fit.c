/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/plan_fit.c: how much memory a plan takes, and whether that is allowed. */
#include <stdio.h>

#include "artifact/columns.h"
#include "artifact/format.h"
#include "base/child.h"
#include "base/json.h"
#include "base/peak.h"
#include "pipeline/units.h"

/* The program, its libraries and plugins, and what the allocator keeps: at least, and beyond what is
 * there when a plan is made. */
#define BASE_MEMORY ((uint64_t)24 << 20)
#define MORE_MEMORY ((uint64_t)8 << 20)
/* What a run takes and a rehearsal does not see: code of libraries that is first needed while they
 * compute, kernels that are made then, and the run's own folder, journals, events and outputs. */
#define RUN_MEMORY ((uint64_t)3 << 20)
/* A thread's stack, and what the allocator keeps for it. Of the threads that a limit leaves idle, too. */
#define LANE_MEMORY ((uint64_t)128 << 10)

/* What is noted of a unit and of a step while a pass runs, and an entry of the journal, in a table that
 * may be half empty, and is there twice while it grows. */
#define UNIT_NOTES 64u
#define STEP_NOTES 192u
#define JOURNAL_ENTRY 128u
/* A tensor of a model that is opened again, or laid out as a file; its name and shape come on top. */
#define TENSOR_MEMORY 256u

/* What the parts of a reduction's tree that wait for their neighbours take: this many a lane. */
#define WAITING_ACCUMULATORS 12u
/* What a stage that observes tells of a tensor, a row of a table with a dozen numbers in it: it is kept
 * until the report is written, which takes it once more. */
#define TOLD_OF_TENSOR ((uint64_t)6 << 10)
/* What was seen is on disk three times while a result is kept: as it was decided on, with the result, and in
 * the run folder. Nobody knows how often a stage will look: four times are counted of a reduction, once of
 * others, whose finished units keep theirs, too. */
#define LOOKS_OF_REDUCTION 4u
#define COPIES_OF_LOOKS 3u

/* A process of an isolated stage, with its libraries and the plugin. */
#define WORKER_MEMORY ((uint64_t)12 << 20)
/* And what is known of a tensor there, and sent there from here. */
#define WORKER_TENSOR ((uint64_t)8 << 10)

#define MEGABYTE 1000000u

/* What STAGE is given and gives at a time, at most. */
static uint64_t
largest_piece (const adze_units *units, size_t stage)
{
  uint64_t most = 0;
  for (size_t u = 0; u < units->count; u++) {
    const adze_unit *unit = &units->units[u];
    for (size_t s = 0; s < unit->step_count; s++) {
      const adze_unit_step *step = &unit->steps[s];
      uint64_t bytes = 0;
      if (step->stage != stage)
        continue;
      for (size_t i = 0; i < step->input_count + step->output_count; i++) {
        size_t value = i < step->input_count ? step->inputs[i]
                                             : step->outputs[i - step->input_count];
        bytes += adze_unit_piece_bytes (&unit->values[value]);
      }
      if (bytes > most)
        most = bytes;
    }
  }
  return most;
}

static uint64_t
process_of (const adze_plan_stage *planned)
{
  uint64_t bytes = WORKER_MEMORY;
  for (size_t i = 0; i < planned->port_count; i++)
    if (planned->ports[i].model)
      bytes += planned->ports[i].model->view.count * WORKER_TENSOR;
  return bytes;
}

/* Of each slot of a lane what lies there at the most: in the lane's own memory, and in what each stage of a
 * segment shares with its process, where it gets values and where it makes some. */
typedef struct slot_sizes {
  uint64_t *bytes;
  size_t slots;  /* of each of these */
  bool *differs; /* whether values of one place have different sizes; one a stage of the segment */
} slot_sizes;

static void
slot_sizes_cleanup (slot_sizes *s)
{
  free (s->bytes);
  free (s->differs);
}

static uint64_t *
sizes_of (const slot_sizes *s, size_t stage_of_segment, bool made)
{
  return s->bytes + (1 + 2 * stage_of_segment + made) * s->slots;
}

static uint64_t
sum_of (const slot_sizes *s, const uint64_t *sizes)
{
  uint64_t sum = 0;
  for (size_t i = 0; i < s->slots; i++)
    sum += sizes[i];
  return sum;
}

static void
add_values (const adze_plan_segment *segment, const adze_unit *unit, slot_sizes *s)
{
  for (size_t i = 0; i < unit->value_count; i++) {
    const adze_unit_value *value = &unit->values[i];
    uint64_t bytes = adze_unit_piece_bytes (value);
    bool own = value->shared_with == SIZE_MAX;
    size_t stage = own ? 0 : value->shared_with - segment->first;
    uint64_t *size = (own ? s->bytes : sizes_of (s, stage, value->made_there)) + value->slot;
    if (value->same_as != SIZE_MAX)
      continue;
    s->differs[stage] |= !own && *size != 0 && *size != bytes;
    if (bytes > *size)
      *size = bytes;
  }
}

static adze_error *
measure_slots (const adze_plan_segment *segment, const adze_units *units, slot_sizes *s)
{
  for (size_t i = 0; i < units->count; i++)
    if (units->units[i].slot_count > s->slots)
      s->slots = units->units[i].slot_count;
  s->bytes = calloc ((1 + 2 * segment->count) * s->slots + 1, sizeof *s->bytes);
  s->differs = calloc (segment->count + 1, sizeof *s->differs);
  if (!s->bytes || !s->differs)
    return adze_error_memory ();
  for (size_t i = 0; i < units->count; i++)
    add_values (segment, &units->units[i], s);
  return NULL;
}

/* What is shared with the process of a stage, of which only so much is seen by both: it counts twice. A value
 * that has grown leaves its former place there to others; what has no room there lies here, and the process
 * gets a copy, as it does of what other stages share. */
static uint64_t
shared_of (const slot_sizes *sizes, size_t stage_of_segment, uint64_t piece)
{
  uint64_t shared = sum_of (sizes, sizes_of (sizes, stage_of_segment, false))
                    + sum_of (sizes, sizes_of (sizes, stage_of_segment, true));
  uint64_t area = shared < ADZE_AREA_SIZE ? shared : ADZE_AREA_SIZE;
  uint64_t left = sizes->differs[stage_of_segment] ? area : 0;
  uint64_t there = shared > ADZE_AREA_SIZE ? area + piece : (shared > piece ? shared : piece) + left;
  return shared + left + there;
}

/* Leaves that lie in several pieces. Whoever works on two units at a time has begun less of each. */
static uint64_t
waiting_of (const adze_units *units)
{
  uint64_t most = 0;
  for (size_t i = 0; i < units->count; i++) {
    uint64_t bytes = adze_unit_waiting_bytes (&units->units[i]);
    most = bytes > most ? bytes : most;
  }
  return most;
}

/* Of one pass, what it takes at the most becomes that of the segment. */
static adze_error *
measure_memory (const adze_plan *plan, adze_plan_segment *segment, const adze_units *units)
{
  ADZE_AUTO (slot_sizes) sizes = { 0 };
  ADZE_TRY (measure_slots (segment, units, &sizes));
  uint64_t own = sum_of (&sizes, sizes.bytes) + waiting_of (units), apart = 0;
  for (size_t i = 0; i < segment->count; i++) {
    size_t stage = segment->first + i;
    if (plan->stages[stage].facts->isolated)
      apart += process_of (&plan->stages[stage]) + shared_of (&sizes, i, largest_piece (units, stage));
  }
  segment->memory = own > segment->memory ? own : segment->memory;
  segment->apart = apart > segment->apart ? apart : segment->apart;
  return NULL;
}

/* Passes in front of the last one, in which a stage may see all of what it writes in pieces. */
static adze_error *
measure_looks (const adze_plan *plan, adze_plan_segment *segment)
{
  for (size_t i = 0; i < segment->count; i++) {
    const adze_plan_stage *planned = &plan->stages[segment->first + i];
    ADZE_AUTO (adze_units) units = { 0 };
    if (planned->facts->effect != ADZE_CHANGES || !planned->facts->observes)
      continue;
    ADZE_TRY (adze_units_make (plan, segment, segment->first + i, &units));
    ADZE_TRY (measure_memory (plan, segment, &units));
  }
  return NULL;
}

/* Entries in the journal: what was read, what is written, and what each unit has changed and seen. */
static size_t
noted_of (const adze_plan_segment *segment, const adze_units *units)
{
  size_t count = segment->source->view.count + (segment->result ? segment->result->view.count : 0);
  for (size_t u = 0; u < units->count; u++) {
    count++;
    for (size_t s = 0; s < units->units[u].step_count; s++)
      count += units->units[u].steps[s].observes;
  }
  return count;
}

static void
measure_sums (const adze_plan_stage *planned, size_t size, adze_plan_segment *segment)
{
  uint64_t groups = planned->outline.group_count;
  uint64_t look = size * (planned->facts->accumulate == ADZE_OVER_GROUP ? groups : 1);
  segment->structure += groups * TOLD_OF_TENSOR;
  segment->sums += planned->facts->effect == ADZE_CHANGES
                       ? look * LOOKS_OF_REDUCTION * COPIES_OF_LOOKS
                       : look * COPIES_OF_LOOKS + groups * size;
}

/* What a stage takes for itself while it is called, on each thread. */
static uint64_t
scratch_of (const adze_plan_stage *planned)
{
  uint64_t most = 0;
  for (size_t i = 0; i < planned->outline.group_count; i++)
    if (planned->outline.groups[i].scratch > most)
      most = planned->outline.groups[i].scratch;
  return most;
}

static adze_error *
measure_segment (adze_plan *plan, adze_plan_segment *segment)
{
  ADZE_AUTO (adze_units) units = { 0 };
  uint64_t scratch = 0;
  segment->memory = 0;
  segment->accumulators = 0;
  segment->apart = 0;
  segment->structure = 0;
  segment->sums = 0;
  segment->journal = 0;
  segment->known = segment->whole ? segment->resident > 0 : !segment->source;
  if (segment->whole || !segment->source)
    return NULL;
  for (size_t i = 0; i < segment->count; i++) {
    const adze_plan_stage *planned = &plan->stages[segment->first + i];
    size_t size = 0;
    if (!planned->described)
      return NULL; /* what comes before has to run first */
    if (planned->facts->observes)
      ADZE_TRY (adze_instance_accumulator (planned->instance, &size));
    segment->accumulators += size * WAITING_ACCUMULATORS;
    scratch = scratch_of (planned) > scratch ? scratch_of (planned) : scratch;
    if (planned->facts->observes)
      measure_sums (planned, size, segment);
  }
  ADZE_TRY (adze_units_make (plan, segment, SIZE_MAX, &units));
  ADZE_TRY (measure_memory (plan, segment, &units));
  ADZE_TRY (measure_looks (plan, segment));
  segment->memory += scratch; /* stages take turns on a thread */
  segment->structure += units.structure + units.count * UNIT_NOTES + units.step_count * STEP_NOTES;
  segment->journal = noted_of (segment, &units) * JOURNAL_ENTRY;
  segment->source_bytes = units.source_bytes;
  segment->known = true;
  return NULL;
}

/* What it takes to open or lay out a model once more, its parts being written as they are. */
static uint64_t
file_of (const adze_plan_model *model)
{
  uint64_t bytes = 0;
  for (size_t i = 0; model && i < model->view.part_count; i++)
    bytes += model->view.parts[i].size;
  return model ? bytes + model->view.count * TENSOR_MEMORY : 0;
}

/* What is there whatever is under way: inputs are open already. */
static uint64_t
base_of (const adze_plan *plan)
{
  uint64_t bytes = plan->base + MORE_MEMORY;
  if (bytes < BASE_MEMORY)
    bytes = BASE_MEMORY;
  bytes += adze_pool_threads (plan->runtime->pool) * LANE_MEMORY;
  for (size_t i = 0; i < plan->pipeline->output_count; i++)
    bytes += file_of (adze_plan_bound (plan, &plan->pipeline->outputs[i].from));
  for (size_t i = 0; i < plan->segment_count; i++) {
    const adze_plan_segment *segment = &plan->segments[i];
    bytes += segment->journal + (segment->output == SIZE_MAX ? file_of (segment->result) : 0);
  }
  return bytes;
}

/* Of models that are copied into outputs, each thread has a piece in hand. */
static uint64_t
copies_of (const adze_plan *plan, unsigned lanes)
{
  uint64_t piece = 0;
  for (size_t i = 0; i < plan->pipeline->output_count; i++) {
    const adze_plan_model *model = adze_plan_bound (plan, &plan->pipeline->outputs[i].from);
    if (!model || adze_plan_is_a_segments (plan, i))
      continue;
    for (size_t k = 0; k < model->view.count; k++)
      if (model->view.tensors[k].meta.byte_size > piece)
        piece = model->view.tensors[k].meta.byte_size;
  }
  return lanes * (piece < ADZE_COPY_PIECE ? piece : ADZE_COPY_PIECE);
}

/* *LARGEST: the segment that takes it; NULL: none does, but copying. Where a stage was rehearsed it is
 * known what is resident in a run, and nothing has to be taken for granted. */
static uint64_t
peak_of (const adze_plan *plan, unsigned lanes, const adze_plan_segment **largest)
{
  uint64_t base = base_of (plan), most = base, copies = base + copies_of (plan, lanes), apart = 0;
  *largest = NULL;
  for (size_t i = 0; i < plan->segment_count; i++) {
    const adze_plan_segment *segment = &plan->segments[i];
    apart += segment->apart; /* such processes stay until the end */
    uint64_t bytes = base + segment->structure
                     + lanes * (segment->memory + segment->accumulators + apart);
    if (segment->resident > 0) {
      bytes = segment->resident + RUN_MEMORY;
      copies = plan->base + RUN_MEMORY + copies_of (plan, lanes);
    }
    if (!*largest || bytes > most) {
      most = bytes;
      *largest = segment;
    }
  }
  if (copies <= most)
    return most;
  *largest = NULL;
  return copies;
}

static adze_error *
too_large (const adze_plan *plan, const adze_plan_segment *segment, uint64_t peak)
{
  const adze_value *run = adze_value_get (plan->pipeline->document.root, "run");
  char needed[ADZE_GROUPED_TEXT], given[ADZE_GROUPED_TEXT];
  adze_bytes_text (peak, needed);
  adze_bytes_text (plan->pipeline->max_rss, given);
  /* Another process has a few pages more or less. */
  unsigned long long megabytes = peak / MEGABYTE + 2;
  const char *stage = segment ? plan->stages[segment->first].stage->id : "";
  const adze_value *at = adze_value_get (run, "max-rss");
  adze_error *error
      = segment ? adze_document_error (
            &plan->pipeline->document, at,
            segment->whole ? "%s of memory are not enough: stage '%s' needs about %s"
                           : "%s of memory are not enough: the stages from '%s' on need %s on one "
                             "thread",
            given, stage, needed)
                : adze_document_error (&plan->pipeline->document, at,
                                       "%s of memory are not enough: to write the outputs takes %s "
                                       "on one thread", given, needed);
  adze_error_set (error, "needed", needed);
  adze_error_set (error, "found", given);
  adze_error_setf (error, "hint", "write max-rss = \"%llu MB\", or more", megabytes);
  return error;
}

/* What is resident is asked once: a run that asked again would count what it has taken twice, and take
 * back what its plan has said. For the same reason a bound only grows; what was rehearsed takes its
 * place. */
adze_error *
adze_plan_fit (adze_plan *plan)
{
  const adze_plan_segment *largest;
  if (plan->base == 0)
    plan->base = adze_resident_memory ();
  for (size_t i = 0; i < plan->segment_count; i++)
    ADZE_TRY (measure_segment (plan, &plan->segments[i]));
  uint64_t peak = peak_of (plan, plan->lanes, &largest);
  uint64_t most = plan->pipeline->max_rss;
  while (most > 0 && peak > most && plan->lanes > 1)
    peak = peak_of (plan, --plan->lanes, &largest);
  if (most > 0 && peak > most)
    return too_large (plan, largest, peak);
  if (peak > plan->peak || *adze_plan_memory_word (plan) == '\0')
    plan->peak = peak;
  return NULL;
}

/* ---- What nobody knows yet. */

static bool
is_known (const adze_plan *plan, size_t stage)
{
  return plan->segments[plan->stages[stage].segment].known;
}

/* What was rehearsed is an estimate, and no bound. */
const char *
adze_plan_memory_word (const adze_plan *plan)
{
  for (size_t i = 0; i < plan->segment_count; i++)
    if (plan->segments[i].resident > 0)
      return "";
  return " at most";
}

bool
adze_plan_unknown_text (const adze_plan *plan, adze_buffer *into)
{
  size_t count = 0, told = 0;
  for (size_t i = 0; i < plan->stage_count; i++)
    count += !is_known (plan, i);
  if (count == 0)
    return false;
  adze_buffer_text (into, "what ");
  for (size_t i = 0; i < plan->stage_count; i++) {
    if (is_known (plan, i))
      continue;
    adze_buffer_safe_format (into, "%s'%s'", told == 0 ? "" : told + 1 < count ? ", " : " and ",
                             plan->stages[i].stage->id);
    told++;
  }
  adze_buffer_text (into, count == 1 ? " needs is known once it runs" : " need is known once they run");
  return true;
}

void
adze_plan_memory_value (const adze_plan *plan, const char *key, adze_value *into)
{
  char unknown_key[64];
  snprintf (unknown_key, sizeof unknown_key, "%s-unknown", key);
  adze_json_int (into, key, (int64_t)plan->peak);
  adze_value *unknown = adze_json_list (into, unknown_key);
  for (size_t i = 0; i < plan->stage_count; i++)
    if (!is_known (plan, i))
      adze_json_string (unknown, NULL, plan->stages[i].stage->id);
}
