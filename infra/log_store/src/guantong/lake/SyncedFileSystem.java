package guantong.lake;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.Syncable;
import org.apache.hadoop.fs.permission.FsPermission;

/**
 * Local files that are on the disk once they are closed (落盘文件): a commit never names rows that a power cut can take.
 *
 * <p>Data files, deletion vectors and checkpoints are written and closed before the commit that names them.
 */
public final class SyncedFileSystem extends RawLocalFileSystem {
  @Override
  protected OutputStream createOutputStreamWithMode(Path path, boolean append, FsPermission permission)
      throws IOException {
    return new Synced(super.createOutputStreamWithMode(path, append, permission));
  }

  private static final class Synced extends FilterOutputStream implements Syncable {
    private boolean isClosed;

    Synced(OutputStream file) {
      super(file);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      out.write(bytes, offset, length);
    }

    @Override
    public void hflush() throws IOException {
      ((Syncable) out).hflush();
    }

    @Override
    public void hsync() throws IOException {
      ((Syncable) out).hsync();
    }

    @Override
    public void close() throws IOException {
      if (isClosed) {
        return;
      }
      isClosed = true;
      try (OutputStream file = out) {
        hsync();
      }
    }
  }
}
