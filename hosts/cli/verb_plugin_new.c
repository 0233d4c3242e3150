/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze plugin new. Copies the template folder, filling names in.
 *
 * A source file in the template folder is the template of the kind that it is called after:
 * technique.c, technique.cc, observer.c. It becomes NAME.c or NAME.cc. All other files go into
 * every new plugin. So a kind that comes to the SDK later needs a file there, and nothing here.
 */
#include "cli/cli.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_LENGTH_MAX 64
#define TEMPLATES_MAX 64
#define TEMPLATE_SIZE_MAX (1u << 20)

typedef struct project {
  const adze_cli *cli;
  const char *name, *kind, *lang;
  const char *ending;  /* of the source: ".c" or ".cc" */
  const char *folder;  /* of the templates */
  char c_name[NAME_LENGTH_MAX + 1];
  char source[NAME_LENGTH_MAX + 4];
  char *templates[TEMPLATES_MAX]; /* names, sorted */
  size_t template_count;
  int from, to; /* the two folders, open */
} project;

/* ---- Names. */

static bool
name_valid (const char *name)
{
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
  return strlen (name) <= NAME_LENGTH_MAX && name[0] && strchr (letters, name[0])
         && name[strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

/* The kind that a file is the template of, its length; 0: it goes into every plugin. */
static size_t
kind_length (const char *file)
{
  const char *dot = strrchr (file, '.');
  return dot && (strcmp (dot, ".c") == 0 || strcmp (dot, ".cc") == 0) ? (size_t)(dot - file) : 0;
}

static bool
is_source (const project *made, const char *file)
{
  size_t size = kind_length (file);
  return size == strlen (made->kind) && memcmp (file, made->kind, size) == 0
         && strcmp (file + size, made->ending) == 0;
}

/* What a template is called in the new folder; NULL: it does not belong there. */
static const char *
target_of (const project *made, const char *file)
{
  if (is_source (made, file))
    return made->source;
  return kind_length (file) > 0 ? NULL : file;
}

static void
name_project (project *made)
{
  snprintf (made->c_name, sizeof made->c_name, "%s", made->name);
  for (char *hyphen = made->c_name; (hyphen = strchr (hyphen, '-'));)
    *hyphen = '_';
  snprintf (made->source, sizeof made->source, "%s%s", made->name, made->ending);
}

/* ---- The templates that there are. */

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static int
read_templates (project *made)
{
  DIR *folder = opendir (made->folder);
  if (!folder)
    return adze_cli_broken (made->cli, "cannot read the templates in %s", made->folder);
  struct dirent *entry;
  int status = ADZE_CLI_FINE;
  while (status == ADZE_CLI_FINE && made->template_count < TEMPLATES_MAX
         && (entry = readdir (folder))) {
    if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0)
      continue;
    made->templates[made->template_count] = strdup (entry->d_name);
    if (made->templates[made->template_count])
      made->template_count++;
    else
      status = adze_cli_no_memory (made->cli);
  }
  closedir (folder);
  qsort (made->templates, made->template_count, sizeof made->templates[0], compare_names);
  return status;
}

static int
check_kind (const project *made)
{
  char kinds[512] = "";
  size_t used = 0;
  for (size_t i = 0; i < made->template_count; i++) {
    const char *file = made->templates[i];
    size_t size = kind_length (file);
    if (is_source (made, file))
      return ADZE_CLI_FINE;
    if (size > 0 && strcmp (file + size, made->ending) == 0 && used + size + 3 < sizeof kinds)
      used += (size_t)snprintf (kinds + used, sizeof kinds - used, "%s%.*s", used ? ", " : "",
                                (int)size, file);
  }
  return adze_cli_misuse (made->cli, "there is no template for kind '%s' in %s (%s); there are: %s",
                          made->kind, made->lang, made->folder, used ? kinds : "none");
}

/* ---- Copying. */

static char *
read_all (int fd, size_t *size)
{
  char *text = malloc (TEMPLATE_SIZE_MAX + 1);
  ssize_t got = 1;
  *size = 0;
  while (text && got > 0 && *size < TEMPLATE_SIZE_MAX) {
    got = read (fd, text + *size, TEMPLATE_SIZE_MAX - *size);
    if (got < 0 && errno == EINTR)
      got = 1;
    else if (got > 0)
      *size += (size_t)got;
  }
  if (text && got < 0) {
    free (text);
    return NULL;
  }
  if (text)
    text[*size] = '\0';
  return text;
}

/* The adze that was installed, so that it need not be on PATH; one that has not been installed yet,
 * or lies elsewhere by now, is left to PATH. */
static const char *
program (void)
{
  return access (ADZE_PROGRAM, X_OK) == 0 ? ADZE_PROGRAM : "adze";
}

/* What stands for "@WORD@" at the beginning of TEXT; NULL: nothing of ours. IS_PATH: it comes from
 * where adze was installed, and its place is the value of a macro of make. */
static const char *
filling (const project *made, const char *text, size_t *length, bool *is_path)
{
  const struct {
    const char *mark, *value;
    bool is_path;
  } fillings[] = {
    { "@NAME@", made->name, false },
    { "@C_NAME@", made->c_name, false },
    { "@SOURCE@", made->source, false },
    { "@KIND@", made->kind, false },
    { "@ADZE@", program (), true },
    { "@PKGCONFIGDIR@", ADZE_PKGCONFIG_DIR, true },
  };
  for (size_t i = 0; i < ADZE_CLI_COUNT_OF (fillings); i++) {
    *length = strlen (fillings[i].mark);
    *is_path = fillings[i].is_path;
    if (strncmp (text, fillings[i].mark, *length) == 0)
      return fillings[i].value;
  }
  return NULL;
}

/* As one word for the shell, in a macro of make: bare, unless something in it means more to either
 * of them than itself. */
static void
write_path (FILE *stream, const char *path)
{
  static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                 "/._+,:@%-";
  bool quotes = path[strspn (path, harmless)] != '\0';
  fputs (quotes ? "'" : "", stream);
  for (; *path; path++) {
    const char *written = *path == '\'' ? "'\\''"
                          : *path == '$' ? "$$"
                          : *path == '#' ? "\\#"
                                         : NULL;
    if (written)
      fputs (written, stream);
    else
      fputc (*path, stream);
  }
  fputs (quotes ? "'" : "", stream);
}

static void
write_filled (const project *made, FILE *stream, const char *text, size_t size)
{
  for (const char *end = text + size; text < end;) {
    size_t length;
    bool is_path;
    const char *value = *text == '@' ? filling (made, text, &length, &is_path) : NULL;
    if (value && is_path)
      write_path (stream, value);
    else if (value)
      fputs (value, stream);
    else
      fputc (*text, stream);
    text += value ? length : 1;
  }
}

static FILE *
create (const project *made, const char *target, mode_t mode)
{
  int fd = openat (made->to, target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  FILE *stream = fd < 0 ? NULL : fdopen (fd, "w");
  if (fd >= 0 && !stream)
    close (fd);
  return stream;
}

static int
copy (const project *made, const char *file, const char *target)
{
  struct stat status;
  size_t size = 0;
  int fd = openat (made->from, file, O_RDONLY | O_CLOEXEC);
  ADZE_CLI_FREE char *text = NULL;
  if (fd >= 0 && fstat (fd, &status) == 0)
    text = read_all (fd, &size);
  int reason = errno;
  if (fd >= 0)
    close (fd);
  errno = reason;
  if (!text)
    return adze_cli_broken (made->cli, "cannot read %s/%s", made->folder, file);
  FILE *stream = create (made, target, status.st_mode & S_IXUSR ? 0777 : 0666);
  if (!stream)
    return adze_cli_broken (made->cli, "cannot write %s/%s", made->name, target);
  write_filled (made, stream, text, size);
  bool failed = ferror (stream);
  if (fclose (stream) != 0 || failed)
    return adze_cli_broken (made->cli, "cannot write %s/%s", made->name, target);
  return ADZE_CLI_FINE;
}

static int
copy_all (const project *made)
{
  for (size_t i = 0; i < made->template_count; i++) {
    const char *target = target_of (made, made->templates[i]);
    int status = target ? copy (made, made->templates[i], target) : ADZE_CLI_FINE;
    if (status != ADZE_CLI_FINE)
      return status;
  }
  return ADZE_CLI_FINE;
}

/* Half a plugin would be in the way of the next attempt. */
static void
take_back (const project *made)
{
  for (size_t i = 0; made->to >= 0 && i < made->template_count; i++) {
    const char *target = target_of (made, made->templates[i]);
    if (target)
      unlinkat (made->to, target, 0);
  }
  rmdir (made->name);
}

static int
make_folder (project *made)
{
  if (mkdir (made->name, 0777) != 0)
    return errno == EEXIST
               ? adze_cli_refuse (made->cli,
                                  "'%s' exists already; choose another name, or remove it",
                                  made->name)
               : adze_cli_broken (made->cli, "cannot make the folder %s", made->name);
  made->from = open (made->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  made->to = open (made->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int status = made->from < 0 || made->to < 0
                   ? adze_cli_broken (made->cli, "cannot open %s",
                                      made->from < 0 ? made->folder : made->name)
                   : copy_all (made);
  if (status != ADZE_CLI_FINE)
    take_back (made);
  if (made->from >= 0)
    close (made->from);
  if (made->to >= 0)
    close (made->to);
  return status;
}

/* ---- The verb. */

static void
print_made (const project *made)
{
  if (!made->cli->json) {
    fprintf (adze_cli_out,
             "made %s/%s, a plugin with one %s. Next:\n  cd %s && make && make check\n", made->name,
             made->source, made->kind, made->name);
    return;
  }
  fprintf (
      adze_cli_out,
      "{\"name\": \"%s\", \"kind\": \"%s\", \"lang\": \"%s\", \"source\": \"%s\", \"files\": [",
      made->name, made->kind, made->lang, made->source);
  bool first = true;
  for (size_t i = 0; i < made->template_count; i++) {
    const char *target = target_of (made, made->templates[i]);
    if (!target)
      continue;
    fputs (first ? "" : ", ", adze_cli_out);
    adze_cli_print_json (adze_cli_out, target);
    first = false;
  }
  fputs ("]}\n", adze_cli_out);
}

static int
make_project (project *made)
{
  if (!name_valid (made->name))
    return adze_cli_misuse (made->cli,
                            "'%s' cannot be a plugin's name: lower case letters, digits and "
                            "hyphens, beginning with a letter, at most %d",
                            made->name, NAME_LENGTH_MAX);
  name_project (made);
  int status = read_templates (made);
  if (status == ADZE_CLI_FINE)
    status = check_kind (made);
  if (status == ADZE_CLI_FINE)
    status = make_folder (made);
  if (status == ADZE_CLI_FINE)
    print_made (made);
  return status;
}

static int
run (adze_cli *cli, const adze_cli_arguments *arguments)
{
  const char *kind = adze_cli_value (arguments, "kind");
  const char *lang = adze_cli_value (arguments, "lang");
  const char *folder = getenv ("ADZE_TEMPLATE_DIR");
  project made = { .cli = cli, .name = arguments->words[0], .from = -1, .to = -1 };
  made.kind = kind ? kind : "technique";
  made.lang = lang ? lang : "c";
  made.ending = strcmp (made.lang, "c") == 0 ? ".c" : ".cc";
  made.folder = folder && *folder ? folder : ADZE_TEMPLATE_DIR;
  int status = make_project (&made);
  for (size_t i = 0; i < made.template_count; i++)
    free (made.templates[i]);
  return status;
}

static const adze_cli_option options[] = {
  { "kind", 0, false, "KIND", "what it is to offer; a technique unless another kind is given" },
  { "lang", 0, false, "c|c++", "the language to write it in; c unless given" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_plugin_new = {
  .name = "plugin new",
  .usage = "NAME",
  .summary = "begin a plugin: a folder with a source and a Makefile",
  .about = "Makes a folder NAME with the smallest plugin of a kind, which can be built, checked "
           "and installed as it is, and needs nothing but the installed SDK.",
  .options = options,
  .least = 1,
  .most = 1,
  .run = run,
};
