# SPDX-License-Identifier: Apache-2.0
"""Opens the API page of the test library in headless Chromium, reads it, calls a method of each kind and looks at what
the page says. usage: page_check.py URL [SCREENSHOT.png]"""

import base64
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time

SECONDS = 60


class Browser:
    """Chromium's DevTools protocol over a pair of pipes."""

    def __init__(self, folder):
        to_read, self.to_write = os.pipe()
        self.from_read, from_write = os.pipe()

        def place():
            # Where Chromium looks for the pipes; copied first, since one may stand in the other's place.
            read, write = os.dup(to_read), os.dup(from_write)
            os.dup2(read, 3)
            os.dup2(write, 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--remote-debugging-pipe", f"--user-data-dir={folder}"],
            preexec_fn=place, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(from_write)
        self.numbers = itertools.count(1)
        self.session = None
        self.complaints = []
        self.rest = b""

    def message(self):
        while b"\0" not in self.rest:
            part = os.read(self.from_read, 1 << 16)
            if not part:
                sys.exit("the browser has gone")
            self.rest += part
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        number = next(self.numbers)
        request = {"id": number, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.to_write, json.dumps(request).encode() + b"\0")
        while True:
            message = self.message()
            if message.get("method") == "Log.entryAdded":
                self.complaints.append(message["params"]["entry"]["text"])
            if message.get("method") == "Runtime.exceptionThrown":
                self.complaints.append(str(message["params"]["exceptionDetails"]))
            if message.get("id") == number:
                if "error" in message:
                    sys.exit(f"{method}: {message['error']}")
                return message["result"]

    def open(self, url):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Log", "Runtime"]:
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=url)

    def value(self, script):
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            return None
        return result["result"].get("value")

    def until(self, script, what):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            if value := self.value(script):
                return value
            time.sleep(0.05)
        sys.exit(f"{what} did not happen; the page says: {self.value('document.body.innerText')}")


def form(name):
    return f"document.getElementById('ravioli.test.v1.Library/{name}')"


def try_it(browser, name, message, expected):
    browser.value(f"{form(name)}.open = true")
    browser.until(f"{form(name)}.querySelector('form')", f"the form of {name}")
    browser.value(f"""(() => {{
        const form = {form(name)}.querySelector('form');
        form.querySelector('textarea').value = {json.dumps(message)};
        form.querySelector('button[type=submit]').click();
    }})()""")
    for text in expected:
        browser.until(f"{form(name)}.innerText.includes({json.dumps(text)})", f"{name}: {text}")


def try_plan(browser):
    """A plan has a field for each parameter, and its answer is shown."""
    plan = "document.getElementById('Pages_VolumePage')"
    browser.value(f"{plan}.open = true")
    browser.until(f"{plan}.querySelector('form')", "the form of the plan")
    browser.value(f"""(() => {{
        const inputs = {plan}.querySelectorAll('form > label input');
        inputs[0].value = 'a b';
        inputs[1].value = '7';
        {plan}.querySelector('button[type=submit]').click();
    }})()""")
    for text in ["What the page of one volume shows.", "name: Which volume.", "GET /v1/pages/{name}", "200 OK",
                 '"name": "a b"', '"pages": 7', '"errors": []']:
        browser.until(f"{plan}.innerText.includes({json.dumps(text)})", f"the plan: {text}")


def main():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(folder)
        try:
            browser.open(sys.argv[1])
            browser.until("document.querySelectorAll('details').length >= 13", "the list of methods")
            text = browser.value("document.body.innerText")
            for expected in ["ravioli.test.v1.Library", "Books on shelves.", "GetVolume", "stream out"]:
                assert expected in text, f"{expected} is missing in: {text}"
            try_it(browser, "GetVolume", '{"name": "a", "edition": 5}',
                   ["Answers one volume by its name.", "GET /v1/volumes/{name}", "200 OK", '"pages": 5'])
            try_it(browser, "GetVolume", '{"nope": 1}', ["400 Bad Request", "invalid_argument"])
            try_it(browser, "WatchShelf", '{"shelf": "s"}', ['"removed": "B"', "Ended after 2 messages"])
            try_it(browser, "WatchShelf", '{"shelf": "broken"}', ["Failed after 2 messages: data_loss"])
            try_plan(browser)
            browser.value("""(() => {
                const field = document.getElementById('filter');
                field.value = 'title';
                field.dispatchEvent(new Event('input'));
            })()""")
            assert browser.value(f"{form('Every')}.hidden") is True, "the filter hides nothing"
            assert browser.value(f"{form('ListTitles')}.hidden") is False, "the filter hides what it should find"
            assert browser.value("document.querySelectorAll('label :is(input, textarea)').length"
                                 " === document.querySelectorAll('input, textarea').length"), "a field has no label"
            # An answer of 400 is told to the console as well.
            complaints = [text for text in browser.complaints if "status of 400" not in text and "favicon" not in text
                          and "status of 404" not in text]
            assert not complaints, complaints
            if len(sys.argv) > 2:
                picture = browser.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
                with open(sys.argv[2], "wb") as file:
                    file.write(base64.b64decode(picture["data"]))
        finally:
            browser.process.kill()
            browser.process.wait()


main()
