/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/doctor/symbols.c: symbols and versions that are needed and nowhere to be had. */
#define _GNU_SOURCE 1 /* strverscmp */

#include <gnu/libc-version.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "plugin/doctor/examination.h"

/* Names in one message, at most; the report has all of them. */
#define NAMES_SHOWN 6

/* ---- Versions. */

/* "2.34" of "GLIBC_2.34"; NULL for other names, such as GLIBC_PRIVATE. */
static const char *
glibc_number (const char *version)
{
  static const char prefix[] = "GLIBC_";
  const char *number = version + sizeof prefix - 1;
  return strncmp (version, prefix, sizeof prefix - 1) == 0 && *number >= '0' && *number <= '9'
             ? number
             : NULL;
}

/* The highest glibc that ELF wants; NULL: it does not say. strverscmp knows that 2.9 < 2.10. */
static const char *
glibc_needed (const adze_elf *elf)
{
  const char *highest = NULL;
  for (size_t i = 0; i < elf->versions_needed_count; i++) {
    const adze_elf_version *version = &elf->versions_needed[i];
    const char *number = glibc_number (version->name);
    if (number && !version->weak && (!highest || strverscmp (number, highest) > 0))
      highest = number;
  }
  return highest;
}

static void
add_name (adze_buffer *names, size_t index, const char *name)
{
  if (index < NAMES_SHOWN)
    adze_buffer_format (names, "%s%s", index ? ", " : "", name);
}

static void
end_names (adze_buffer *names, size_t count)
{
  if (count > NAMES_SHOWN)
    adze_buffer_format (names, " and %zu more", count - NAMES_SHOWN);
}

static adze_error *
report_glibc (adze_examination *examination, const adze_library *library)
{
  const adze_elf *elf = library->elf;
  const char *running = gnu_get_libc_version ();
  const char *highest = glibc_needed (elf);
  if (library == examination->closure.libraries) {
    adze_value *table = adze_json_table (examination->report, "glibc");
    adze_doctor_put (table, "needed", highest);
    adze_doctor_put (table, "running", running);
  }
  if (!highest || strverscmp (highest, running) <= 0)
    return NULL;
  ADZE_AUTO (adze_buffer) needed = { 0 };
  adze_buffer_format (&needed, "glibc %s, for ", highest);
  size_t count = 0;
  for (size_t i = 0; i < elf->symbol_count; i++) {
    const char *version = elf->symbols[i].defined ? NULL : elf->symbols[i].version;
    if (version && glibc_number (version) && strverscmp (glibc_number (version), running) > 0)
      add_name (&needed, count++, elf->symbols[i].name);
  }
  adze_buffer_text (&needed, count ? "" : "the file as a whole");
  end_names (&needed, count);
  ADZE_AUTO_FREE char *found = adze_text_format ("glibc %s", running);
  ADZE_AUTO_FREE char *hint = adze_text_format (
      "build it on a system with glibc %s or older (in a container, for instance), or run it on "
      "one with glibc %s or newer",
      running, highest);
  if (needed.failed || !found || !hint)
    return adze_error_memory ();
  adze_finding finding = { ADZE_STEP_OPEN, needed.data, found, hint };
  adze_doctor_add (examination->problems, &finding, "%s was built for a newer glibc",
                   adze_doctor_name (library));
  return NULL;
}

static const adze_library *
library_called (const adze_examination *examination, const adze_library *asker, const char *name)
{
  for (size_t i = 0; i < asker->elf->needed_count; i++)
    if (strcmp (asker->elf->needed[i], name) == 0)
      return &examination->closure.libraries[asker->needs[i]];
  return NULL;
}

static bool
defines_version (const adze_elf *elf, const char *version)
{
  for (size_t i = 0; i < elf->versions_defined_count; i++)
    if (strcmp (elf->versions_defined[i], version) == 0)
      return true;
  /* One without any versions is taken as it is, with a warning of the dynamic linker's. */
  return elf->versions_defined_count == 0;
}

static adze_error *
report_version (adze_examination *examination, const adze_library *library,
                const adze_elf_version *version)
{
  const char *number = glibc_number (version->name);
  const adze_library *provider = library_called (examination, library, version->library);
  if (version->weak || !provider || !provider->elf
      || defines_version (provider->elf, version->name)
      || (number && strverscmp (number, gnu_get_libc_version ()) > 0)) /* is told as glibc */
    return NULL;
  const adze_elf *elf = provider->elf;
  ADZE_AUTO_FREE char *needed = adze_text_format ("%s of %s", version->name, version->library);
  ADZE_AUTO_FREE char *found = adze_text_format (
      "%s, which goes up to %s", elf->path, elf->versions_defined[elf->versions_defined_count - 1]);
  ADZE_AUTO_FREE char *hint
      = adze_text_format ("install a newer %s, or build %s on this system", version->library,
                          adze_doctor_name (library));
  if (!needed || !found || !hint)
    return adze_error_memory ();
  adze_finding finding = { ADZE_STEP_OPEN, needed, found, hint };
  adze_doctor_add (examination->problems, &finding, "%s was built for another version of %s",
                   adze_doctor_name (library), version->library);
  return NULL;
}

adze_error *
adze_doctor_versions (adze_examination *examination)
{
  const adze_closure *closure = &examination->closure;
  for (size_t i = 0; i < closure->count; i++) {
    const adze_library *library = &closure->libraries[i];
    if (!library->elf || library->in_program) /* that runs already */
      continue;
    ADZE_TRY (report_glibc (examination, library));
    for (size_t k = 0; k < library->elf->versions_needed_count; k++)
      ADZE_TRY (report_version (examination, library, &library->elf->versions_needed[k]));
  }
  return NULL;
}

/* ---- Who defines what. */

typedef struct symbol_table {
  const adze_elf_symbol **symbols; /* sorted by name */
  size_t count;
} symbol_table;

static void
symbol_table_cleanup (symbol_table *table)
{
  free (table->symbols);
}

static int
compare_symbols (const void *a, const void *b)
{
  const adze_elf_symbol *const *left = a, *const *right = b;
  return strcmp ((*left)->name, (*right)->name);
}

static adze_error *
fill_table (const adze_closure *closure, symbol_table *table)
{
  size_t count = 0;
  for (size_t i = 0; i < closure->count; i++)
    count += closure->libraries[i].elf ? closure->libraries[i].elf->symbol_count : 0;
  table->symbols = calloc (count + 1, sizeof *table->symbols);
  if (!table->symbols)
    return adze_error_memory ();
  for (size_t i = 0; i < closure->count; i++) {
    const adze_elf *elf = closure->libraries[i].elf;
    for (size_t k = 0; elf && k < elf->symbol_count; k++)
      if (elf->symbols[k].defined)
        table->symbols[table->count++] = &elf->symbols[k];
  }
  qsort (table->symbols, table->count, sizeof *table->symbols, compare_symbols);
  return NULL;
}

static bool
table_has (const symbol_table *table, const adze_elf_symbol *wanted)
{
  size_t low = 0, high = table->count;
  while (low < high) { /* the first one that is not before it */
    size_t middle = low + (high - low) / 2;
    if (strcmp (table->symbols[middle]->name, wanted->name) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  for (; low < table->count && strcmp (table->symbols[low]->name, wanted->name) == 0; low++) {
    const char *version = table->symbols[low]->version;
    if (!version || !wanted->version || strcmp (version, wanted->version) == 0)
      return true;
  }
  return false;
}

/* ---- What to do about a symbol that nobody defines. */

/* Libraries that are often forgotten. Where one of them has the symbol, the hint is certain. */
static const struct {
  const char *name;
  const char *hint;
} usual_libraries[] = {
  { "libm.so.6", "mathematical functions: add -lm to the link line, behind the sources" },
  { "libstdc++.so.6", "C++: link with g++ (or clang++) rather than with the C compiler" },
  { "libgcc_s.so.1", "add -lgcc_s to the link line" },
  { "libpthread.so.0", "threads: compile and link with -pthread" },
  { "libdl.so.2", "add -ldl to the link line" },
  { "libgomp.so.1", "OpenMP: compile and link with -fopenmp" },
  { "libatomic.so.1", "add -latomic to the link line" },
  { "libz.so.1", "add -lz to the link line" },
  { "libopenblas.so.0", "add -lopenblas to the link line" },
  { "libcblas.so.3", "add -lcblas to the link line" },
  { "libblas.so.3", "add -lblas to the link line" },
  { "liblapack.so.3", "add -llapack to the link line" },
};

/* Beginnings of names that give themselves away. */
static const struct {
  const char *start;
  const char *hint;
} telling_names[] = {
  { "adze_", "plugins call the host only through the table that they are handed: include "
             "<adze/sdk.h>, whose functions are inline, and link with nothing of adze" },
  { "__asan_",
    "it was compiled with -fsanitize=address, which the host was not: build both alike" },
  { "__ubsan_", "it was compiled with -fsanitize=undefined: link it with the same option" },
  { "__tsan_",
    "it was compiled with -fsanitize=thread, which the host was not: build both alike" },
  { "__cxa_", "C++: link with g++ (or clang++) rather than with the C compiler" },
  { "__gxx_", "C++: link with g++ (or clang++) rather than with the C compiler" },
  { "_ZSt", "C++: link with g++ (or clang++) rather than with the C compiler" },
  { "_ZNSt", "C++: link with g++ (or clang++) rather than with the C compiler" },
  { "_ZNKSt", "C++: link with g++ (or clang++) rather than with the C compiler" },
  { "_Z", "C++ (c++filt shows the plain name): add the object file or library that defines it to "
          "the link line; for a C function, declare it extern \"C\"" },
};

static const char other_hint[]
    = "add the object file or library that defines it to the link line (-lNAME); link plugins with "
      "-Wl,-z,defs to see this when they are built";
static const char library_hint[]
    = "it does not fit the other libraries here: install the release of it that belongs to this "
      "system, or ask whoever built it to link it with all that it needs";

/* The libraries above, as far as they are here and wanted. */
typedef struct usual_tables {
  bool tried;
  adze_elf *elf[ADZE_COUNT_OF (usual_libraries)];
} usual_tables;

static void
usual_tables_cleanup (usual_tables *tables)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (tables->elf); i++)
    adze_elf_free (tables->elf[i]);
}

static adze_error *
load_usual (const adze_search *search, usual_tables *tables)
{
  if (tables->tried)
    return NULL;
  tables->tried = true;
  for (size_t i = 0; i < ADZE_COUNT_OF (usual_libraries); i++)
    ADZE_TRY (adze_search_system (search, usual_libraries[i].name, &tables->elf[i]));
  return NULL;
}

static bool
exports (const adze_elf *elf, const char *name)
{
  for (size_t i = 0; elf && i < elf->symbol_count; i++)
    if (elf->symbols[i].defined && strcmp (elf->symbols[i].name, name) == 0)
      return true;
  return false;
}

static adze_error *
find_hint (const adze_search *search, usual_tables *tables, const char *name, const char **hint)
{
  ADZE_TRY (load_usual (search, tables));
  *hint = other_hint;
  for (size_t i = 0; i < ADZE_COUNT_OF (usual_libraries); i++)
    if (exports (tables->elf[i], name)) {
      *hint = usual_libraries[i].hint;
      return NULL;
    }
  for (size_t i = 0; i < ADZE_COUNT_OF (telling_names); i++)
    if (strncmp (name, telling_names[i].start, strlen (telling_names[i].start)) == 0) {
      *hint = telling_names[i].hint;
      return NULL;
    }
  return NULL;
}

/* ---- What is missing. */

typedef struct missing_symbol {
  const adze_elf_symbol *symbol;
  const char *hint;
  bool from_program; /* nobody that it names has it, but this program happens to */
  bool told;
} missing_symbol;

typedef struct symbol_hunt {
  adze_examination *examination;
  symbol_table closure;
  symbol_table program;
  usual_tables usual;
  adze_value *list; /* missing-symbols of the report */
  bool incomplete;  /* a library is missing: what is not found may be in it */
  int64_t unjudged;
} symbol_hunt;

static void
symbol_hunt_cleanup (symbol_hunt *hunt)
{
  symbol_table_cleanup (&hunt->closure);
  symbol_table_cleanup (&hunt->program);
  usual_tables_cleanup (&hunt->usual);
}

/* All of MISSING with the same hint as its number FIRST, as one problem or warning. */
static adze_error *
report_group (symbol_hunt *hunt, const adze_library *library, missing_symbol *missing,
              size_t count, size_t first)
{
  ADZE_AUTO (adze_buffer) names = { 0 };
  bool from_program = missing[first].from_program;
  size_t shown = 0;
  for (size_t i = first; i < count; i++)
    if (missing[i].hint == missing[first].hint && missing[i].from_program == from_program) {
      add_name (&names, shown++, missing[i].symbol->name);
      missing[i].told = true;
    }
  end_names (&names, shown);
  if (names.failed)
    return adze_error_memory ();
  adze_finding finding = { ADZE_STEP_OPEN, names.data,
                           from_program ? "none of its libraries has that; this program happens to"
                                        : "none of its libraries has that",
                           missing[first].hint };
  adze_doctor_add (from_program ? hunt->examination->warnings : hunt->examination->problems,
                   &finding,
                   from_program ? "%s uses %zu %s that it would lack in another program"
                                : "%s uses %zu %s that nobody defines",
                   adze_doctor_name (library), shown, shown == 1 ? "symbol" : "symbols");
  return NULL;
}

static adze_error *
judge_symbol (symbol_hunt *hunt, const adze_library *library, const adze_elf_symbol *symbol,
              missing_symbol *missing, size_t *count)
{
  if (symbol->defined || symbol->weak || table_has (&hunt->closure, symbol))
    return NULL;
  /* What lacks only its version was told with the versions. */
  adze_elf_symbol plain = { .name = symbol->name };
  if (symbol->version && table_has (&hunt->closure, &plain))
    return NULL;
  bool from_program = table_has (&hunt->program, symbol);
  if (hunt->incomplete && !from_program) {
    hunt->unjudged++;
    return NULL;
  }
  const char *hint = library_hint;
  if (library == hunt->examination->closure.libraries)
    ADZE_TRY (find_hint (&hunt->examination->search, &hunt->usual, symbol->name, &hint));
  missing[(*count)++] = (missing_symbol){ symbol, hint, from_program, false };
  if (from_program)
    return NULL;
  adze_value *entry = adze_json_table (hunt->list, NULL);
  adze_doctor_put (entry, "name", symbol->name);
  adze_doctor_put (entry, "version", symbol->version);
  adze_doctor_put (entry, "needed-by", adze_doctor_name (library));
  return NULL;
}

static adze_error *
judge_library (symbol_hunt *hunt, const adze_library *library)
{
  const adze_elf *elf = library->elf;
  ADZE_AUTO_FREE missing_symbol *missing = calloc (elf->symbol_count + 1, sizeof *missing);
  if (!missing)
    return adze_error_memory ();
  size_t count = 0;
  for (size_t i = 0; i < elf->symbol_count; i++)
    ADZE_TRY (judge_symbol (hunt, library, &elf->symbols[i], missing, &count));
  for (size_t i = 0; i < count; i++)
    if (!missing[i].told)
      ADZE_TRY (report_group (hunt, library, missing, count, i));
  return NULL;
}

adze_error *
adze_doctor_symbols (adze_examination *examination)
{
  const adze_closure *closure = &examination->closure;
  ADZE_AUTO (symbol_hunt) hunt = { .examination = examination };
  hunt.list = adze_json_list (examination->report, "missing-symbols");
  for (size_t i = 0; i < closure->count; i++)
    hunt.incomplete = hunt.incomplete || !closure->libraries[i].elf;
  ADZE_TRY (fill_table (closure, &hunt.closure));
  ADZE_TRY (fill_table (&examination->program, &hunt.program));
  for (size_t i = 0; i < closure->count; i++)
    if (closure->libraries[i].elf && !closure->libraries[i].in_program)
      ADZE_TRY (judge_library (&hunt, &closure->libraries[i]));
  adze_json_int (examination->report, "unjudged-symbols", hunt.unjudged);
  return NULL;
}
