/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/phase: the pipelines that build a model: one in which recommend finds a codec for each tensor, and the one
 * that it writes, with two stages more: what is missing in the metadata, and what a router has to know. */
#define _GNU_SOURCE 1 /* asprintf */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "phase/build.h"

/* What llama.cpp reads, from the most to the fewest bits; those whose blocks a tensor's rows do not fill are no
 * candidates for it. */
static const char candidates[] = "[\"q8_0\", \"q6_k\", \"q5_k\", \"q5_0\", \"q4_k\", \"iq4_nl\", \"q4_0\"]";

/* ---- Carrying one out. */

static adze_error *
carry_out (adze_runtime *runtime, const char *path, const char *runs)
{
  adze_pipeline *pipeline = NULL;
  adze_plan *plan = NULL;
  ADZE_CLI_FREE char *folder = NULL;
  adze_run_options options = ADZE_RUN_OPTIONS_INIT;
  options.runs = runs;
  options.fresh = true;
  adze_error *error = adze_pipeline_open (runtime, path, NULL, &pipeline);
  if (!error)
    error = adze_plan_make (pipeline, &plan);
  if (!error)
    error = adze_plan_run (plan, &options, &folder);
  if (plan)
    adze_plan_close (plan);
  if (pipeline)
    adze_pipeline_close (pipeline);
  return error;
}

/* ---- Writing them. */

/* "KEY = VALUE" with a text as value: TOML's strings in quotes have JSON's escapes. */
static void
write_text (FILE *into, const char *key, const char *text)
{
  fprintf (into, "%s = ", key);
  adze_cli_print_json (into, text);
  putc ('\n', into);
}

static void
write_head (FILE *into, const char *name, const char *model)
{
  fprintf (into, "adze = 1\nname = \"%s\"\n\n[model]\n", name);
  write_text (into, "path", model);
}

static void
write_recommend (FILE *into, const phase_domain *domain, const phase_target *target, const char *recipe,
                 const char *path)
{
  write_head (into, "choose", domain->findings.model);
  fprintf (into, "\n[[stage]]\nuse = \"recommend\"\nsqnr = %.9g\ncandidates = %s\n", target->sqnr, candidates);
  write_text (into, "source", domain->findings.model);
  write_text (into, "target", path);
  fputs ("\n[[output]]\n", into);
  write_text (into, "path", recipe);
  fputs ("from = \"recommend.recipe\"\n", into);
}

static bool
is_to_be_mended (const phase_domain *domain)
{
  for (size_t i = 0; i < domain->findings.count; i++)
    if (!domain->findings.items[i].wrong)
      return true;
  return false;
}

/* The stages behind those that recommend has written. */
static void
write_stages (FILE *into, const phase_domain *domain)
{
  if (is_to_be_mended (domain)) {
    fputs ("\n[[stage]]\nuse = \"bundle-mend\"\n", into);
    write_text (into, "name", domain->name);
  }
  fputs ("\n[[stage]]\nuse = \"bundle-route\"\n", into);
  write_text (into, "name", domain->name);
  write_text (into, "description", domain->description);
  fprintf (into, "keywords = %s\nprofile = { %s }\n", domain->keywords, domain->emotions);
  fprintf (into, "speed = %.9g\nquality = %.9g\n", domain->speed, domain->quality);
}

static bool
copy_text (FILE *into, const char *path)
{
  char piece[4096];
  size_t got;
  FILE *from = fopen (path, "re");
  if (!from)
    return false;
  while ((got = fread (piece, 1, sizeof piece, from)) > 0)
    fwrite (piece, 1, got, into);
  const bool fine = !ferror (from);
  fclose (from);
  return fine;
}

static bool
write_build (FILE *into, const phase_domain *domain, const phase_target *target, const char *recipe, const char *path)
{
  if (!target->as_is && !copy_text (into, recipe))
    return false;
  if (target->as_is) {
    write_head (into, "bundled", domain->findings.model);
    fputs ("\n[[output]]\n", into);
    write_text (into, "path", path);
  }
  write_stages (into, domain);
  return true;
}

/* ---- Both of them. */

typedef struct files {
  char *choose, *recipe, *build, *runs;
} files;

static void
files_cleanup (files *f)
{
  free (f->choose);
  free (f->recipe);
  free (f->build);
  free (f->runs);
}

static char *
file_in (const char *work, const char *name)
{
  char *path;
  return asprintf (&path, "%s/%s", work, name) < 0 ? NULL : path;
}

static bool
name_files (const char *work, files *f)
{
  *f = (files){ file_in (work, "choose.toml"), file_in (work, "recipe.toml"), file_in (work, "build.toml"),
                file_in (work, "runs") };
  return f->choose && f->recipe && f->build && f->runs;
}

static int
choose_codecs (const phase_state *state, const phase_domain *domain, const phase_target *target, const char *path,
               const files *f)
{
  FILE *into = fopen (f->choose, "we");
  if (!into)
    return adze_cli_broken (state->cli, "cannot write %s", f->choose);
  write_recommend (into, domain, target, f->recipe, path);
  if (fclose (into) != 0)
    return adze_cli_broken (state->cli, "cannot write %s", f->choose);
  adze_error *error = carry_out (state->cli->runtime, f->choose, f->runs);
  return error ? adze_cli_fail (state->cli, error) : ADZE_CLI_FINE;
}

int
phase_pipeline_run (const phase_state *state, const phase_domain *domain, const phase_target *target, const char *work,
                    const char *path)
{
  __attribute__ ((cleanup (files_cleanup))) files f;
  if (!name_files (work, &f))
    return adze_cli_no_memory (state->cli);
  int status = target->as_is ? ADZE_CLI_FINE : choose_codecs (state, domain, target, path, &f);
  if (status != ADZE_CLI_FINE)
    return status;
  FILE *into = fopen (f.build, "we");
  const bool fine = into && write_build (into, domain, target, f.recipe, path);
  if ((into && fclose (into) != 0) || !fine)
    return adze_cli_broken (state->cli, "cannot write %s", f.build);
  adze_error *error = carry_out (state->cli->runtime, f.build, f.runs);
  return error ? adze_cli_fail (state->cli, error) : ADZE_CLI_FINE;
}
