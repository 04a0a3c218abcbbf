package guantong.lake;

import io.delta.storage.HadoopFileSystemLogStore;
import java.io.BufferedOutputStream;
import java.io.FileNotFoundException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Iterator;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * Delta's log on a local disk (提交日志): a commit is there whole, on the disk, and one writer's, or it is not there.
 *
 * <p>Each file is written beside its place under a hidden name, brought to the disk, and linked into place. A hard link
 * fails where the name is taken, whichever process took it, so two writers never both hold one version.
 */
public final class LinkLogStore extends HadoopFileSystemLogStore {
  /** Delta makes it with the configuration of its session. */
  public LinkLogStore(Configuration configuration) {
    super(configuration);
  }

  /**
   * Writes one file of the log, a line for each action.
   *
   * @throws FileAlreadyExistsException where the name is taken and {@code overwrite} is false
   */
  @Override
  public void write(Path path, Iterator<String> actions, Boolean overwrite, Configuration configuration)
      throws IOException {
    java.nio.file.Path target = local(path);
    java.nio.file.Path folder = target.getParent();
    if (!Files.isDirectory(folder)) {
      throw new FileNotFoundException("No such file or directory: " + folder);
    }
    java.nio.file.Path hidden = folder.resolve("." + target.getFileName() + "." + UUID.randomUUID() + ".tmp");
    try {
      fill(hidden, actions);
      if (overwrite) {
        Files.move(hidden, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } else {
        link(hidden, target);
      }
    } finally {
      discard(hidden);
    }
    synchronise(folder);
  }

  /**
   * Says that a file is seen while it is being written: true of checkpoints, which Delta writes past this class and
   * renames into place only for that answer. What {@link #write} writes is never seen in part.
   */
  @Override
  public Boolean isPartialWriteVisible(Path path, Configuration configuration) {
    return true;
  }

  private static java.nio.file.Path local(Path path) throws IOException {
    String scheme = path.toUri().getScheme();
    if (scheme != null && !scheme.equals("file")) {
      throw new IOException("This log store serves file: tables only, not " + path);
    }
    return Paths.get(path.toUri().getPath());
  }

  /** Writes by a stream, not by a channel: Spark interrupts threads, which would close a channel half-way. */
  private static void fill(java.nio.file.Path file, Iterator<String> actions) throws IOException {
    try (FileOutputStream stream = new FileOutputStream(file.toFile())) {
      OutputStream buffered = new BufferedOutputStream(stream, 1 << 16);
      while (actions.hasNext()) {
        buffered.write(actions.next().getBytes(StandardCharsets.UTF_8));
        buffered.write('\n');
      }
      buffered.flush();
      stream.getFD().sync();
    }
  }

  private static void link(java.nio.file.Path hidden, java.nio.file.Path target) throws IOException {
    try {
      Files.createLink(target, hidden);
    } catch (FileAlreadyExistsException taken) {
      throw new FileAlreadyExistsException(target.toString());
    } catch (UnsupportedOperationException | FileSystemException refused) {
      throw new IOException("A local lake needs a file system with hard links: " + refused.getMessage(), refused);
    }
  }

  /** Removes the hidden name; one that stays is not part of the log, so it fails no commit. */
  private static void discard(java.nio.file.Path hidden) {
    hidden.toFile().delete();
  }

  /** Brings a folder's names to the disk, also for a thread that is interrupted: the commit stands by now. */
  private static void synchronise(java.nio.file.Path folder) throws IOException {
    boolean wasInterrupted = Thread.interrupted();
    try {
      while (true) {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
          channel.force(true);
          return;
        } catch (ClosedByInterruptException interrupted) {
          wasInterrupted |= Thread.interrupted();
        }
      }
    } finally {
      if (wasInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
