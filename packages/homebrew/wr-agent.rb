# The formula of wr-agent for Homebrew. packages/build-formula.sh fills in the archive, its checksum and the version.
# It has not been run on a Mac yet.
class WrAgent < Formula
  desc "Reports audio faults of a studio machine and their causes"
  url "@URL@"
  version "@VERSION@"
  sha256 "@SHA256@"

  depends_on "jack"
  depends_on "portaudio"
  depends_on "python@3.13"

  # The lock files name each library with its checksum. They come from PyPI.
  def install
    python = libexec/"bin/python"
    system Formula["python@3.13"].opt_bin/"python3.13", "-m", "venv", libexec
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    system(*pip, "--no-deps", "--require-hashes", "-r", "requirements.lock")
    system(*pip, "--no-deps", "--no-build-isolation", "--require-hashes", "-r", "requirements-pyaudio.lock")
    system(*pip, "--no-deps", "--no-build-isolation", ".")
    bin.install_symlink libexec/"bin/wr-agent"
    (buildpath/"wr-agent.1").write Utils.safe_popen_read(python, "-m", "packages.manual")
    man1.install "wr-agent.1"
    generate_completions_from_executable(bin/"wr-agent", "completion")
    doc.install Dir["docs/*.md"], "config.example.toml", "CHANGELOG.md"
  end

  service do
    run [opt_bin/"wr-agent", "run", "--log-file", var/"log/wr-agent.log"]
    keep_alive true
    process_type :interactive
    error_log_path var/"log/wr-agent.stderr.log"
  end

  def caveats
    <<~EOS
      To start wr-agent now and at each login:
        brew services start wr-agent
      Then open http://127.0.0.1:9787/ and run: wr-agent doctor
    EOS
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/wr-agent version")
    (testpath/"config.toml").write "log_level = \"info\"\n"
    assert_match "good", shell_output("#{bin}/wr-agent check-config #{testpath}/config.toml")
  end
end
